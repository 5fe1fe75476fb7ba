//! As much of JSON Schema 2020-12 as `docs/report.schema.json` uses, and nothing else: unknown keywords and patterns are
//! refused, so that the schema cannot say what nobody checks. Objects keep the order of their members, which is checked too.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A JSON value whose objects are as they were written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Build;
        impl<'de> Visitor<'de> for Build {
            type Value = Node;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Bool(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Number(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Number(value.into()))
            }
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
                serde_json::Number::from_f64(value).map(Node::Number).ok_or(E::custom("no number"))
            }
            fn visit_str<E>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Text(value.to_string()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Node::Map(members))
            }
        }
        deserializer.deserialize_any(Build)
    }
}

impl Node {
    /// The member of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.members().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The members of an object; none for anything else.
    pub(crate) fn members(&self) -> &[(String, Node)] {
        if let Node::Map(members) = self { members } else { &[] }
    }

    /// The items of a list; none for anything else.
    pub(crate) fn items(&self) -> &[Node] {
        if let Node::List(items) = self { items } else { &[] }
    }

    /// The text; empty for anything else.
    pub(crate) fn text(&self) -> &str {
        if let Node::Text(text) = self { text } else { "" }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "boolean",
            Node::Number(n) if n.is_u64() || n.is_i64() => "integer",
            Node::Number(_) => "number",
            Node::Text(_) => "string",
            Node::List(_) => "array",
            Node::Map(_) => "object",
        }
    }

    fn number(&self) -> Option<f64> {
        if let Node::Number(n) = self { n.as_f64() } else { None }
    }
}

/// A schema.
pub(crate) struct Schema {
    root: Node,
}

impl Schema {
    pub(crate) fn parse(text: &str) -> Schema {
        let schema = Schema { root: serde_json::from_str(text).unwrap() };
        schema.check_keywords(&schema.root, "#");
        schema
    }

    /// What is wrong with `value`.
    pub(crate) fn judge(&self, value: &Node) -> Result<(), String> {
        self.matches(&self.root, value, "")
    }

    /// Every schema inside this one has keywords that [`Schema::matches`] knows.
    fn check_keywords(&self, schema: &Node, at: &str) {
        for (keyword, value) in schema.members() {
            let below = format!("{at}/{keyword}");
            match keyword.as_str() {
                "$schema" | "$id" | "title" | "description" | "type" | "enum" | "const" | "required" | "minimum"
                | "maximum" | "minLength" | "minItems" | "maxItems" => {}
                "additionalProperties" => assert_eq!(*value, Node::Bool(false), "{below}"),
                "pattern" => assert!(fits(value.text(), "").is_some(), "{below}: an unknown pattern {value:?}"),
                "$ref" => assert!(self.find(value.text()).is_some(), "{below}: {value:?} leads nowhere"),
                "items" => self.check_keywords(value, &below),
                "oneOf" => value.items().iter().for_each(|each| self.check_keywords(each, &below)),
                "properties" | "$defs" => {
                    value
                        .members()
                        .iter()
                        .for_each(|(name, each)| self.check_keywords(each, &format!("{below}/{name}")));
                }
                other => panic!("{at}: the keyword {other} is not checked by anything"),
            }
        }
        let object = schema.get("type").is_some_and(|t| t.text() == "object");
        assert!(!object || schema.get("additionalProperties").is_some(), "{at}: an object that may hold anything");
        for name in schema.get("required").map_or(&[][..], Node::items) {
            let known = schema.get("properties").and_then(|p| p.get(name.text())).is_some();
            assert!(known, "{at}: {name:?} is required and not described");
        }
    }

    fn find(&self, reference: &str) -> Option<&Node> {
        self.root.get("$defs")?.get(reference.strip_prefix("#/$defs/")?)
    }

    fn matches(&self, schema: &Node, value: &Node, at: &str) -> Result<(), String> {
        for (keyword, rule) in schema.members() {
            self.keyword(keyword, rule, schema, value, at)?;
        }
        Ok(())
    }

    fn keyword(&self, keyword: &str, rule: &Node, schema: &Node, value: &Node, at: &str) -> Result<(), String> {
        let expect = |holds: bool| {
            if holds {
                Ok(())
            } else {
                Err(format!("{at}: expected {keyword} {}, found {}", shortened(rule), shortened(value)))
            }
        };
        match (keyword, value) {
            ("$ref", _) => self.find(rule.text()).map_or(Ok(()), |schema| self.matches(schema, value, at)),
            ("oneOf", _) => {
                let outcomes: Vec<_> = rule.items().iter().map(|each| self.matches(each, value, at)).collect();
                match outcomes.iter().filter(|outcome| outcome.is_ok()).count() {
                    1 => Ok(()),
                    0 => Err(outcomes.into_iter().filter_map(Result::err).collect::<Vec<_>>().join(" | ")),
                    _ => Err(format!("{at}: more than one alternative fits")),
                }
            }
            ("type", _) if rule.items().is_empty() => expect(rule.text() == value.type_name()),
            ("type", _) => expect(rule.items().iter().any(|each| each.text() == value.type_name())),
            ("enum", _) => expect(rule.items().contains(value)),
            ("const", _) => expect(rule == value),
            ("pattern", Node::Text(text)) => expect(fits(rule.text(), text) == Some(true)),
            ("minLength", Node::Text(text)) => expect(text.chars().count() as f64 >= rule.number().unwrap()),
            ("minimum", Node::Number(_)) => expect(value.number() >= rule.number()),
            ("maximum", Node::Number(_)) => expect(value.number() <= rule.number()),
            ("minItems", Node::List(items)) => expect(items.len() as f64 >= rule.number().unwrap()),
            ("maxItems", Node::List(items)) => expect(items.len() as f64 <= rule.number().unwrap()),
            ("items", Node::List(items)) => {
                items.iter().enumerate().try_for_each(|(n, item)| self.matches(rule, item, &format!("{at}/{n}")))
            }
            ("required", Node::Map(_)) => expect(rule.items().iter().all(|name| value.get(name.text()).is_some())),
            ("properties", Node::Map(members)) => members.iter().try_for_each(|(name, member)| {
                rule.get(name).map_or(Ok(()), |schema| self.matches(schema, member, &format!("{at}/{name}")))
            }),
            ("additionalProperties", Node::Map(members)) => in_order(schema, members, at),
            _ => Ok(()),
        }
    }
}

/// All members are described, none is there twice, and they stand in the order of the schema.
fn in_order(schema: &Node, members: &[(String, Node)], at: &str) -> Result<(), String> {
    let known: Vec<&str> =
        schema.get("properties").map_or(&[][..], Node::members).iter().map(|(name, _)| name.as_str()).collect();
    let mut next = 0;
    for (name, _) in members {
        match known.iter().position(|each| each == name) {
            None => return Err(format!("{at}: {name} is not described")),
            Some(place) if place < next => return Err(format!("{at}: {name} is there twice or out of order")),
            Some(place) => next = place + 1,
        }
    }
    Ok(())
}

/// Whether `text` has the pattern; none where the pattern is not one that this knows.
fn fits(pattern: &str, text: &str) -> Option<bool> {
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let kebab = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    Some(match pattern {
        "^[0-9a-f]{64}$" => hex(text),
        "^sha256:[0-9a-f]{64}$" => text.strip_prefix("sha256:").is_some_and(hex),
        "^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$" => {
            let long = |text: &str| text.is_ascii() && text.len() == 128 && hex(&text[..64]) && hex(&text[64..]);
            text.strip_prefix("sha256:").is_some_and(hex) || text.strip_prefix("sha512:").is_some_and(long)
        }
        "^-?[0-9]+$" => digits(text.strip_prefix('-').unwrap_or(text)),
        "^[0-7]{4,}$" => text.len() >= 4 && text.bytes().all(|c| (b'0'..=b'7').contains(&c)),
        "^[a-z0-9]+(-[a-z0-9]+)*$" => text.split('-').all(kebab),
        "^type-.+$" => text.strip_prefix("type-").is_some_and(|flag| !flag.is_empty()),
        "^[A-Za-z0-9+/]+={0,2}$" => {
            let bare = text.trim_end_matches('=');
            text.len() - bare.len() <= 2
                && !bare.is_empty()
                && bare.bytes().all(|c| c.is_ascii_alphanumeric() || b"+/".contains(&c))
        }
        r"^[0-9]+\.[0-9]+\.[0-9]+" => {
            let parts: Vec<&str> = text.splitn(3, '.').collect();
            parts.len() == 3
                && digits(parts[0])
                && digits(parts[1])
                && parts[2].starts_with(|c: char| c.is_ascii_digit())
        }
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$" => {
            let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
            shape == "9999-99-99T99:99:99Z"
        }
        _ => return None,
    })
}

fn shortened(node: &Node) -> String {
    format!("{node:?}").chars().take(160).collect()
}
