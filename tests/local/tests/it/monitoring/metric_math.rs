//! The part of CloudWatch's metric math that the alarms use:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>.

use std::collections::BTreeMap;

/// One value a period; none where nothing was emitted.
pub type Series = Vec<Option<f64>>;

/// What names in an expression stand for.
pub type Known = BTreeMap<String, Series>;

/// What `expression` comes to, over as many periods as the known series have.
pub fn evaluate(expression: &str, known: &Known) -> Series {
    let periods = known.values().map(Vec::len).max().unwrap_or_default();
    let mut reader = Reader {
        tokens: tokens(expression),
        at: 0,
        known,
        periods,
    };
    let series = reader.comparison();
    assert_eq!(reader.peek(), "", "all of `{expression}` is understood");
    series
}

/// Names, numbers and signs; spaces fall away.
fn tokens(expression: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut joins = false;
    for character in expression.chars() {
        let word = character.is_ascii_alphanumeric() || "_.".contains(character);
        let sign = character == '=' && matches!(tokens.last().map(String::as_str), Some(">" | "<"));
        match tokens.last_mut() {
            Some(last) if (word && joins) || sign => last.push(character),
            _ if character.is_whitespace() => {}
            _ => tokens.push(character.to_string()),
        }
        joins = word;
    }
    tokens
}

struct Reader<'a> {
    tokens: Vec<String>,
    at: usize,
    known: &'a Known,
    periods: usize,
}

impl Reader<'_> {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        let token = self.peek().to_owned();
        self.at += 1;
        token
    }

    fn expect(&mut self, token: &str) {
        assert_eq!(self.next(), token, "in {:?}", self.tokens);
    }

    fn comparison(&mut self) -> Series {
        let left = self.sum();
        let compare: fn(f64, f64) -> bool = match self.peek() {
            ">" => |a, b| a > b,
            ">=" => |a, b| a >= b,
            _ => return left,
        };
        self.next();
        let right = self.sum();
        pairwise(&left, &right, |a, b| Some(f64::from(compare(a, b))))
    }

    fn sum(&mut self) -> Series {
        let mut sum = self.product();
        while self.peek() == "+" {
            self.next();
            sum = pairwise(&sum, &self.product(), |a, b| Some(a + b));
        }
        sum
    }

    fn product(&mut self) -> Series {
        let mut product = self.term();
        while ["*", "/"].contains(&self.peek()) {
            let divides = self.next() == "/";
            product = pairwise(&product, &self.term(), |a, b| match divides {
                true => (b != 0.0).then(|| a / b),
                false => Some(a * b),
            });
        }
        product
    }

    fn term(&mut self) -> Series {
        let token = self.next();
        if let Ok(number) = token.parse() {
            return vec![Some(number); self.periods];
        }
        match token.as_str() {
            "(" => {
                let inner = self.comparison();
                self.expect(")");
                inner
            }
            "FILL" => {
                let [series, filling] = self.arguments();
                let pairs = series.iter().zip(filling);
                pairs.map(|(value, filling)| value.or(filling)).collect()
            }
            "IF" => {
                let [condition, yes, no] = self.arguments();
                let periods = 0..condition.len();
                let pick = |at: usize| {
                    if condition[at]? == 0.0 {
                        no[at]
                    } else {
                        yes[at]
                    }
                };
                periods.map(pick).collect()
            }
            name => match self.known.get(name) {
                Some(series) => series.clone(),
                None => panic!("nothing is called `{name}`"),
            },
        }
    }

    fn arguments<const N: usize>(&mut self) -> [Series; N] {
        self.expect("(");
        let mut first = true;
        let arguments = [(); N].map(|()| {
            if !std::mem::take(&mut first) {
                self.expect(",");
            }
            self.comparison()
        });
        self.expect(")");
        arguments
    }
}

/// Where either side is missing, so is the result.
fn pairwise(left: &Series, right: &Series, of: impl Fn(f64, f64) -> Option<f64>) -> Series {
    let pairs = left.iter().zip(right);
    pairs.map(|(left, right)| of((*left)?, (*right)?)).collect()
}
