//! A generated policy as `.gate` files: the root and the modules it uses. It is writing alone and
//! decides nothing about what the policy says.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::policy::{
    Declared, Dnat, Firewall, Flow, Head, ON_PREMISES, Part, Policy, Service, Subnet, Verb, texts,
};

impl Policy {
    /// All files by name; the root is `policy.gate`.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![("policy.gate".to_owned(), self.root())];
        for flow in self.flows.iter().filter(|f| f.instance) {
            let text = format!(
                "param a: endpoint\nparam b: endpoint\nparam flag: bool = true\n{}\n",
                self.flow_text(flow)
            );
            files.push((format!("m{}.gate", flow.label), text));
        }
        files
    }

    /// All files one after the other, for messages.
    pub(super) fn text(&self) -> String {
        let files = self.files();
        let several = files.len() > 1;
        let mut out = String::new();
        for (name, text) in files {
            if several {
                let _ = writeln!(out, "// {name}");
            }
            out.push_str(&text);
        }
        out
    }

    fn root(&self) -> String {
        let mut out = String::new();
        self.declarations(&mut out);
        self.networks(&mut out);
        for route in &self.routes {
            let _ = writeln!(
                out,
                "route {}: {} via {} on {}",
                route.label,
                route.to.text(),
                route.hop,
                route.table
            );
        }
        for flow in self.flows.iter().filter(|f| f.instance) {
            let _ = writeln!(
                out,
                "use \"m{0}.gate\" as i{0} with {{\n  a = {1}\n  b = {2}\n}}",
                flow.label,
                list(&flow.from),
                list(&flow.to)
            );
        }
        let plain = || self.flows.iter().filter(|f| !f.instance);
        let groups: BTreeSet<usize> = plain()
            .map(|f| f.group)
            .chain(self.dnats.iter().map(|d| d.group))
            .collect();
        for group in groups {
            let inside = group > 0;
            if inside {
                let ordered = plain().any(|f| f.group == group && f.ordered);
                let word = if ordered { "ordered group" } else { "group" };
                let head = self.heads.get(&group).map(|h| head_text(h, self.env));
                let head = head.unwrap_or_default();
                let _ = writeln!(out, "{word} g{group}{head} {{");
            }
            let indent = if inside { "  " } else { "" };
            for flow in plain().filter(|f| f.group == group) {
                let _ = writeln!(out, "{indent}{}", self.flow_text(flow));
            }
            for dnat in self.dnats.iter().filter(|d| d.group == group) {
                let _ = writeln!(out, "{indent}{}", dnat_text(dnat));
            }
            if inside {
                out.push_str("}\n");
            }
        }
        if let (true, Some(flow)) = (self.moved, self.flows.first()) {
            let _ = writeln!(out, "moved main::gone -> {}", Self::path(flow));
        }
        if self.assume {
            out.push_str("assume fqdn-tag(WindowsUpdate) apart *.contoso.com\n");
        }
        if self.test {
            out.push_str("test \"t\" {\n  deny tcp from 10.1.2.3 to 8.8.8.8:9\n}\n");
        }
        out
    }

    /// Names, services, parameters and the environment.
    fn declarations(&self, out: &mut String) {
        let mut env = Vec::new();
        let flag = |when: Option<bool>| when.is_some() && self.env.is_none();
        let heads = self.heads.values().any(|h| flag(h.when));
        if heads || self.flows.iter().any(|f| !f.instance && flag(f.when)) {
            out.push_str("param flag: bool = true\n");
        }
        let ends = self.flows.iter().flat_map(|f| f.from.iter().chain(&f.to));
        let ends = ends.chain(self.dnats.iter().flat_map(|d| &d.from));
        let mut seen = BTreeSet::new();
        for part in ends {
            let Part::Named(how, name, parts) = part else {
                continue;
            };
            if !seen.insert(name.clone()) {
                continue;
            }
            let value = list(parts);
            let _ = match how {
                Declared::Endpoint => writeln!(out, "endpoint {name} = {value}"),
                Declared::Param => writeln!(out, "param {name}: endpoint = {value}"),
                Declared::Env => {
                    env.push(format!("{name} = {value}"));
                    writeln!(out, "param {name}: endpoint")
                }
            };
        }
        for flow in self
            .flows
            .iter()
            .filter(|f| f.named_services && !f.instance)
        {
            let _ = writeln!(out, "service {} = {}", service_name(flow), services(flow));
        }
        for (name, entries) in &self.ip_groups {
            let _ = writeln!(out, "ip-group {name} = [{}]", entries.join(", "));
        }
        let enabled: Vec<String> = self
            .flows
            .iter()
            .filter(|f| f.need == Some("optional") && f.enabled)
            .map(Self::path)
            .collect();
        if !enabled.is_empty() {
            env.push(format!("enable = [{}]", enabled.join(", ")));
        }
        if let Some(name) = self.env {
            let _ = writeln!(out, "env {name} {{\n  {}\n}}", env.join("\n  "));
        }
    }

    fn networks(&self, out: &mut String) {
        for vnet in &self.vnets {
            let space = both(&texts(Some(&vnet.space), &vnet.six));
            let _ = write!(out, "vnet {} = {space}", vnet.name);
            let mut keys = String::new();
            if !vnet.peers.is_empty() {
                let _ = writeln!(keys, "  peers = [{}]", vnet.peers.join(", "));
            }
            if vnet.gateway {
                let _ = writeln!(keys, "  on-premises = {ON_PREMISES}");
            }
            if let Some(firewall) = &vnet.firewall {
                let _ = writeln!(keys, "  firewall = {firewall}");
            }
            if keys.is_empty() {
                out.push('\n');
            } else {
                let _ = writeln!(out, " {{\n{keys}}}");
            }
        }
        for firewall in self.firewalls.iter().filter(|f| !f.implied) {
            firewall_text(firewall, out);
        }
        for nsg in &self.nsgs {
            let word = |deny: bool| if deny { "deny" } else { "allow" };
            let _ = writeln!(out, "nsg {} {{", nsg.name);
            if let Some(deny) = nsg.inbound {
                let _ = writeln!(out, "  default-inbound = {}", word(deny));
            }
            if let Some(deny) = nsg.outbound {
                let _ = writeln!(out, "  default-outbound = {}", word(deny));
            }
            if nsg.open {
                out.push_str("  names = open\n");
            }
            out.push_str("}\n");
        }
        for table in &self.tables {
            let _ = writeln!(out, "route-table {} {{", table.name);
            if let Some(default) = &table.default {
                let _ = writeln!(out, "  default = {default}");
            }
            if let Some(bgp) = table.bgp {
                let _ = writeln!(out, "  bgp = {}", if bgp { "on" } else { "off" });
            }
            out.push_str("}\n");
        }
        for subnet in &self.subnets {
            subnet_text(subnet, &subnet.name, out);
        }
        if let Some(gateway) = &self.gateway {
            subnet_text(gateway, "gateway-subnet", out);
        }
    }

    fn flow_text(&self, flow: &Flow) -> String {
        let verb = match flow.verb {
            Verb::Allow | Verb::Exception(_) => "allow",
            Verb::Deny => "deny",
            Verb::Forbid => "forbid",
        };
        let (from, to) = if flow.instance {
            ("a".to_owned(), "b".to_owned())
        } else {
            (list(&flow.from), list(&flow.to))
        };
        let ends = if flow.between {
            format!("between {from} and {to}")
        } else {
            format!("from {from} to {to}")
        };
        let services = if flow.named_services && !flow.instance {
            service_name(flow)
        } else {
            services(flow)
        };
        let need = flow.need.map(|word| format!("{word} ")).unwrap_or_default();
        let mut out = format!("{need}{verb} {}: {services} {ends}", flow.label);
        if let Some(holds) = flow.when {
            let env = self.env.filter(|_| !flow.instance);
            let _ = write!(out, " when {}", condition(holds, env));
        }
        if let Some(at) = &flow.at {
            let _ = write!(out, " at {at}");
        }
        if let Some(via) = flow.via {
            let _ = write!(out, " via {via}");
        }
        if let Verb::Exception(denies) = &flow.verb {
            let names: Vec<String> = denies
                .iter()
                .map(|index| Self::path(&self.flows[*index]))
                .collect();
            let _ = write!(
                out,
                " overrides {} ticket SEC-1 until 2030-12-31",
                names.join(", ")
            );
        }
        for clause in &flow.clauses {
            let _ = write!(out, " {clause}");
        }
        if !flow.source_ports.is_empty() {
            let _ = write!(out, " source-port {}", ports(&flow.source_ports));
        }
        out
    }
}

/// A condition over the environment if there is one, else over a parameter that is true.
fn condition(holds: bool, env: Option<&str>) -> String {
    match (holds, env) {
        (true, Some(env)) => format!("env == {env}"),
        (false, Some(env)) => format!("not env == {env}"),
        (true, None) => "flag".to_owned(),
        (false, None) => "not flag".to_owned(),
    }
}

fn head_text(head: &Head, env: Option<&str>) -> String {
    let mut out = String::new();
    if let Some(holds) = head.when {
        let _ = write!(out, " when {}", condition(holds, env));
    }
    if let Some(at) = &head.at {
        let _ = write!(out, " at {at}");
    }
    for clause in &head.clauses {
        let _ = write!(out, " {clause}");
    }
    out
}

fn dnat_text(dnat: &Dnat) -> String {
    let mut out = format!(
        "dnat {}: {}/{} from {} to {} into {}",
        dnat.label,
        dnat.protocol,
        dnat.port,
        list(&dnat.from),
        both(&dnat.to),
        dnat.into
    );
    if let Some(port) = dnat.into_port {
        let _ = write!(out, ":{port}");
    }
    for clause in &dnat.clauses {
        let _ = write!(out, " {clause}");
    }
    out
}

fn firewall_text(firewall: &Firewall, out: &mut String) {
    let _ = writeln!(out, "firewall {} {{", firewall.name);
    if firewall.classic {
        out.push_str("  output = classic\n");
    }
    if firewall.premium {
        out.push_str("  sku = premium\n");
    }
    if firewall.closed {
        out.push_str("  infrastructure = deny\n");
    }
    let _ = writeln!(out, "  private-ip = {}", firewall.address);
    if !firewall.public.is_empty() {
        let _ = writeln!(out, "  public-ips = [{}]", firewall.public.join(", "));
    }
    if let Some(subnet) = &firewall.subnet {
        let _ = writeln!(out, "  subnet = {subnet}");
    }
    if let Some(vnet) = &firewall.vnet {
        let _ = writeln!(out, "  vnet = {vnet}");
    }
    let _ = writeln!(out, "  dns-proxy = {}\n}}", firewall.dns_proxy);
}

fn subnet_text(subnet: &Subnet, name: &str, out: &mut String) {
    let prefixes = both(&texts(subnet.prefix.as_ref(), &subnet.six));
    let _ = writeln!(out, "subnet {name} = {prefixes} {{");
    if name != subnet.name {
        let _ = writeln!(out, "  name = \"{}\"", subnet.name);
    }
    for (key, value) in [
        ("vnet", &subnet.vnet),
        ("nsg", &subnet.nsg),
        ("route-table", &subnet.table),
    ] {
        if let Some(value) = value {
            let _ = writeln!(out, "  {key} = {value}");
        }
    }
    if !subnet.endpoints.is_empty() {
        let list = subnet.endpoints.join(", ");
        let _ = writeln!(out, "  service-endpoints = [{list}]");
    }
    out.push_str("}\n");
}

impl Part {
    /// The part as written.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Any => "any".to_owned(),
            Self::Range(text) => text.clone(),
            Self::Subnet(name) | Self::Named(_, name, _) => name.clone(),
            Self::Tag(tag) => format!("tag({tag})"),
            Self::Internet => "tag(Internet)".to_owned(),
            Self::Network => "tag(VirtualNetwork)".to_owned(),
            Self::Name("*") => "fqdn(*)".to_owned(),
            Self::Name(name) => (*name).to_owned(),
            Self::NameTag(tag) => format!("fqdn-tag({tag})"),
            Self::Group(name) => format!("ip-group({name})"),
            Self::Category(name) => format!("category({name})"),
            Self::Url(text) => format!("url(\"{text}\")"),
            Self::Asg(name) => format!("asg({name})"),
            Self::NameWithin(name, prefix) => format!("fqdn({name}, in = {prefix})"),
            Self::Except(base, minus) => {
                let minus: Vec<&str> = minus.iter().map(String::as_str).collect();
                format!("{} except {}", base.text(), both(&minus))
            }
        }
    }
}

/// One as it is, several in brackets.
fn both(texts: &[&str]) -> String {
    match texts {
        [one] => (*one).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

fn list(parts: &[Part]) -> String {
    let texts: Vec<String> = parts.iter().map(Part::text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    both(&texts)
}

fn service_name(flow: &Flow) -> String {
    format!("of-{}", flow.label)
}

fn services(flow: &Flow) -> String {
    let texts: Vec<String> = flow.services.iter().map(service_text).collect();
    texts.join(", ")
}

fn service_text((word, list): &Service) -> String {
    if list.is_empty() {
        return (*word).to_owned();
    }
    format!("{word}/{}", ports(list))
}

fn ports(list: &[(u16, u16)]) -> String {
    let texts: Vec<String> = list
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    texts.join(",")
}
