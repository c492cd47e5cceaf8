//! Resources and attributes as people read them: sums by name, `31000-31001,31005`, `rack:a;zone:z1`.

use crate::{
    mesos::v1::{
        Attribute, Resource,
        value::{Ranges, Type},
    },
    scheduler::quantities::{Quantities, thousandths},
};

/// The sums of what we deal in, of all roles.
pub fn quantities(resources: &[Resource]) -> Quantities {
    let scalar = |name: &str| {
        let amounts = resources.iter().filter(|resource| resource.name == name);
        amounts.map(|it| thousandths(it.scalar.unwrap_or_default().value)).sum::<i64>() as f64 / 1000.0
    };
    let ports = resources.iter().filter(|resource| resource.name == "ports");
    Quantities {
        cpus: scalar("cpus"),
        mem: scalar("mem"),
        disk: scalar("disk"),
        ports: ports.filter_map(|it| it.ranges.as_ref()).map(Ranges::count).sum(),
    }
}

/// `31000-31001,31005`
pub fn ports_text(resources: &[Resource]) -> String {
    let mut ports = resources.iter().filter(|it| it.name == "ports").filter_map(|it| it.ranges.as_ref());
    let Some(first) = ports.next() else { return String::new() };
    let mut rest = ports.peekable();
    if rest.peek().is_none() && first.range.len() == 1 {
        return ranges_text(first);
    }
    let mut all = first.clone();
    rest.for_each(|ranges| all.add(ranges));
    all.coalesce();
    ranges_text(&all)
}

fn ranges_text(ranges: &Ranges) -> String {
    let words = ranges.range.iter().map(|range| match range.begin == range.end {
        true => range.begin.to_string(),
        false => format!("{}-{}", range.begin, range.end),
    });
    words.reduce(|text, word| text + "," + &word).unwrap_or_default()
}

/// `rack:a;zone:z1`, as `--attributes` takes them.
pub fn attributes_text(attributes: &[Attribute]) -> String {
    attributes.iter().map(attribute_text).collect::<Vec<_>>().join(";")
}

fn attribute_text(attribute: &Attribute) -> String {
    let value = match attribute.r#type() {
        Type::Text => attribute.text.as_ref().map(|text| text.value.clone()),
        Type::Scalar => attribute.scalar.map(|scalar| scalar.value.to_string()),
        Type::Ranges => attribute.ranges.as_ref().map(ToString::to_string),
        Type::Set => attribute.set.as_ref().map(ToString::to_string),
    };
    format!("{}:{}", attribute.name, value.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{attributes_text, ports_text, quantities};
    use crate::{
        mesos::{attributes, resources::Resources},
        scheduler::quantities::Quantities,
    };

    #[test]
    fn sums_and_texts() {
        let text = "cpus(ops):0.1;cpus:0.2;mem:32;ports:[31005-31005, 31000-31001];gpus:1";
        let resources = Resources::parse(text, "*").unwrap().to_protos();
        let sums = Quantities { cpus: 0.3, mem: 32.0, disk: 0.0, ports: 3 };
        assert_eq!((quantities(&resources), ports_text(&resources).as_str()), (sums, "31000-31001,31005"));
        let text = "rack:a;level:1.5;ports:[1-3]";
        assert_eq!(attributes_text(&attributes::parse(text).unwrap()), text);
    }
}
