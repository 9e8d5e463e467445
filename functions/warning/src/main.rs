//! Early warning as a Lambda function.

fn main() -> Result<(), causeway::lambda::Error> {
    causeway_warning::run()
}
