//! The gatekeeper as a Lambda function.

fn main() -> Result<(), causeway::lambda::Error> {
    causeway_gatekeeper::run()
}
