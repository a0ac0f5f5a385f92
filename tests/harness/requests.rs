//! Requests to the operators' API, as API Gateway hands them over: it has matched the route and says who calls.

use crate::bench::Bench;
use crate::mail::Letterbox;
use longshore_contract::Operation;
use operator_api::answer::Response;
use serde_json::{Value, json};

/// The event of a request of a user.
pub fn request(user: &str, operation: Operation, path: &Value, body: &Value) -> String {
    let route = operation.route();
    json!({
        "version": "2.0",
        "routeKey": format!("{} {}", route.method.word(), route.path),
        "rawPath": route.path,
        "pathParameters": path,
        "requestContext": {
            "http": {"method": route.method.word(), "sourceIp": "192.0.2.7"},
            "authorizer": {"iam": {
                "accountId": "123456789012",
                "userArn": format!("arn:aws:iam::123456789012:user/{user}"),
            }},
        },
        "body": body.to_string(),
        "isBase64Encoded": false,
    })
    .to_string()
}

impl Bench {
    /// Hands a request to the operators' API. `None` when the function died over it.
    pub fn ask(&mut self, event: &str) -> Option<Response> {
        let told = self.told.len();
        let mail = self.mail(Letterbox::Operators, event.to_owned());
        self.hand_over(mail);
        self.told.get(told).cloned()
    }

    /// Hands over a request at the same time as the next message that is due, call by call, in an order that the seed decides;
    /// alone when none is due.
    pub fn ask_beside(&mut self, event: &str, seed: u64) -> Option<Response> {
        let told = self.told.len();
        let mail = self.mail(Letterbox::Operators, event.to_owned());
        match self.take_due() {
            None => self.hand_over(mail),
            Some(other) => self.hand_over_both(mail, other, seed),
        }
        self.told.get(told).cloned()
    }
}
