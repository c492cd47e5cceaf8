//! Sums over offers and roles: how outstanding resources are cut into offers is a matter of timing, their sum is not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::normal::canonical;

/// The normal form of a list of offers, or of offered resources; `None` for any other field.
pub fn offers(name: &str, field: &Value) -> Option<Value> {
    let items = field.as_array()?;
    let first = items.first()?.as_object()?;
    if name == "offers" {
        return Some(outstanding(items, first.get("resources").is_some_and(Value::is_array)));
    }
    name.starts_with("offered_resources").then(|| json!({ "resources": amounts(items) }))
}

fn outstanding(offers: &[Value], typed: bool) -> Value {
    let left_out = ["id", "resources", "allocation_info"];
    let each: BTreeMap<String, Value> = offers
        .iter()
        .map(|offer| {
            let rest: Map<String, Value> = fields(offer)
                .filter(|(k, _)| !left_out.contains(&k.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            let rest = Value::Object(rest);
            (canonical(&rest), rest)
        })
        .collect();
    let names: BTreeSet<&String> = offers.iter().flat_map(fields).map(|(k, _)| k).collect();
    let resources = match typed {
        true => amounts(&offers.iter().flat_map(|o| items(&o["resources"])).cloned().collect::<Vec<_>>()),
        false => quantities(offers.iter().map(|o| &o["resources"])),
    };
    json!({ "each": each.into_values().collect::<Vec<_>>(), "fields": names, "resources": resources })
}

/// Resources of one kind added up.
fn amounts(resources: &[Value]) -> Value {
    let mut sums: BTreeMap<String, (Value, f64, BTreeSet<String>)> = BTreeMap::new();
    for resource in resources {
        let mut rest = resource.as_object().cloned().unwrap_or_default();
        let amount = rest.remove("scalar").and_then(|s| s["value"].as_f64()).unwrap_or(0.0);
        let ranges = rest.remove("ranges").unwrap_or_default();
        rest.remove("allocation_info");
        let rest = Value::Object(rest);
        let sum = sums.entry(canonical(&rest)).or_insert((rest, 0.0, BTreeSet::new()));
        sum.1 = rounded(sum.1 + amount);
        sum.2.extend(items(&ranges["range"]).map(|r| format!("{}-{}", r["begin"], r["end"])));
    }
    let sums = sums
        .into_values()
        .map(|(rest, amount, ranges)| json!({ "resource": rest, "amount": amount, "ranges": ranges }));
    Value::Array(sums.collect())
}

/// The legacy form, `{"cpus": 4.0, "ports": "[31000-32000]"}`, added up.
fn quantities<'a>(all: impl Iterator<Item = &'a Value>) -> Value {
    let mut numbers: BTreeMap<&str, f64> = BTreeMap::new();
    let mut texts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in all.flat_map(fields) {
        if let Some(n) = value.as_f64() {
            let sum = numbers.entry(name).or_default();
            *sum = rounded(*sum + n);
        } else if let Some(text) = value.as_str() {
            texts.entry(name).or_default().insert(text);
        }
    }
    json!({ "numbers": numbers, "texts": texts })
}

/// Resources of roles count outstanding offers too: their sum over all roles, and the roles without them.
pub fn roles(name: &str, field: &Value) -> Option<(Value, Value)> {
    let roles = field.as_array().filter(|_| name == "roles")?;
    let first = roles.first()?.get("resources")?;
    let total = if first.is_array() {
        amounts(&roles.iter().flat_map(|r| items(&r["resources"])).cloned().collect::<Vec<_>>())
    } else {
        let of = |key: &'static str| quantities(roles.iter().filter_map(move |r| r.get(key)));
        json!({ "resources": of("resources"), "offered": of("offered") })
    };
    let mut rest = roles.clone();
    for role in rest.iter_mut().filter_map(Value::as_object_mut) {
        for key in ["resources", "offered"] {
            if let Some(field) = role.get_mut(key) {
                *field = json!("<SUMMED>");
            }
        }
    }
    Some((total, Value::Array(rest)))
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn rounded(amount: f64) -> f64 {
    (amount * 1e6).round() / 1e6
}
