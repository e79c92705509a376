//! The sandbox's teller surface: its own plain shapes of answers and errors.

use cashpoint_core::id::AccountNumber;
use cashpoint_core::money::{Amount, Decimal};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::shown;
use crate::malformed::Malformed;
use crate::money::Money;
use crate::object::Object;
use crate::problem::Problem;
use crate::request::Body;
use crate::schema;

/// `{"amount":100.0}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
pub struct TellerRequest {
    /// How much.
    #[schema(value_type = schema::AmountSent)]
    pub amount: Decimal,
}

impl Body for TellerRequest {
    const FIELDS: &'static [&'static str] = &["amount"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self { amount: object.required("amount")?.amount()? })
    }
}

#[derive(Serialize)]
struct Success<T> {
    success: bool,
    data: T,
    code: u16,
}

#[derive(Serialize)]
struct Held {
    #[serde(serialize_with = "shown")]
    account_number: AccountNumber,
    balance: Money,
}

#[derive(Serialize)]
struct Moved {
    #[serde(serialize_with = "shown")]
    account_number: AccountNumber,
    new_balance: Money,
}

#[derive(Serialize)]
struct Failed<'a> {
    success: bool,
    error: &'a str,
    code: u16,
}

/// The answer to a question for a balance.
#[must_use]
pub fn balance(account_number: AccountNumber, balance: Amount) -> Vec<u8> {
    success(Held { account_number, balance: balance.into() })
}

/// The answer to a withdrawal or a deposit.
#[must_use]
pub fn moved(account_number: AccountNumber, balance: Amount) -> Vec<u8> {
    success(Moved { account_number, new_balance: balance.into() })
}

fn success(data: impl Serialize) -> Vec<u8> {
    crate::answer::to_json(&Success { success: true, data, code: 200 })
}

/// The status and body of an error. What is the caller's mistake or lack of funds is 400 here.
#[must_use]
pub fn error(problem: &Problem) -> (u16, Vec<u8>) {
    let status = match problem.code.status() {
        422 | 409 => 400,
        status => status,
    };
    let body = Failed { success: false, error: problem.code.title(), code: status };
    (status, crate::answer::to_json(&body))
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;
    use expect_test::expect;

    use super::*;
    use crate::problem::Code;

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn it_answers_in_its_own_shape() {
        let (account, amount) = (AccountNumber::new(10_001), Amount::new(90_000, Currency::USD));
        expect![[r#"{"success":true,"data":{"account_number":"10001","balance":900.00},"code":200}"#]]
            .assert_eq(&text(balance(account, amount)));
        expect![[r#"{"success":true,"data":{"account_number":"10001","new_balance":900.00},"code":200}"#]]
            .assert_eq(&text(moved(account, amount)));
    }

    #[test]
    fn it_refuses_in_its_own_shape() {
        let check = |code: Code, status, shape: &str| {
            let (answered, body) = error(&Problem::new(code));
            assert_eq!((answered, text(body).as_str()), (status, shape), "{code:?}");
        };
        check(Code::InsufficientFunds, 400, r#"{"success":false,"error":"Insufficient funds","code":400}"#);
        check(Code::InvalidAmount, 400, r#"{"success":false,"error":"Invalid amount","code":400}"#);
        check(Code::InvalidRequest, 400, r#"{"success":false,"error":"Invalid request","code":400}"#);
        check(Code::AccountNotFound, 404, r#"{"success":false,"error":"Account not found","code":404}"#);
        check(Code::MethodNotAllowed, 405, r#"{"success":false,"error":"Method not allowed","code":405}"#);
        check(Code::UnsupportedMediaType, 415, r#"{"success":false,"error":"Unsupported media type","code":415}"#);
        check(Code::Internal, 500, r#"{"success":false,"error":"Internal error","code":500}"#);
    }
}
