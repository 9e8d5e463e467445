//! The `guesty` lane as a Lambda function.

fn main() -> Result<(), causeway::lambda::Error> {
    causeway::lambda::run(causeway_guesty::Guesty)
}
