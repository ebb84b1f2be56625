/// What a text must look like to be used as a name of some sort.
///
/// The rules and the wording of their messages are part of the API: people search for them and clients show them. The
/// regular expressions in the messages are for people; the checks are scans over bytes.
public enum NameRule: Hashable, Sendable, CaseIterable {
    /// One label of a host name, at most 63 bytes (RFC 1123): most names that end up in DNS.
    case dns1123Label
    /// Labels joined by dots, at most 253 bytes: the default for names of objects.
    case dns1123Subdomain
    /// `*.` and a subdomain: hosts of an Ingress.
    case wildcardDNS1123Subdomain
    /// A label that begins with a letter (RFC 1035): names of Services.
    case dns1035Label
    /// A subdomain of at least two labels, with an optional dot at its end.
    case fullyQualifiedDomainName
    /// An optional subdomain and `/`, then a name of at most 63 bytes: keys of labels and annotations.
    case qualifiedName
    /// A label's value: empty, or a name of at most 63 bytes.
    case labelValue
    case cIdentifier
    /// The strict rule for names of environment variables.
    case environmentVariable
    /// Any printable ASCII without `=`: what a container's environment accepts.
    case relaxedEnvironmentVariable
    /// Keys of ConfigMaps and Secrets, at most 253 bytes.
    case configMapKey
    /// The name of a port (RFC 6335, section 5.1): at most 15 bytes.
    case portName
    /// A text that stands in a URL's path as one segment.
    case pathSegment
    /// Digits and `%`.
    case percent
    case httpHeaderName

    /// Why `text` breaks the rule, in Kubernetes' words; empty when it does not.
    public func problems(in text: String) -> [String] {
        var checked = NameCheck(bytes: Array(text.utf8))
        checked.run(self)
        return checked.problems
    }

    /// Whether `text` obeys the rule.
    public func accepts(_ text: String) -> Bool { problems(in: text).isEmpty }

    /// Why `base` cannot be a `generateName`: what the server appends makes up for a trailing dash.
    public func problems(inPrefix base: String) -> [String] {
        guard base.utf8.count > 1, base.hasSuffix("-") else { return problems(in: base) }
        return problems(in: base.dropLast(2) + "a")
    }
}

/// The messages that rules of other places share.
public enum NameProblem {
    public static let empty = "must be non-empty"

    public static func tooLong(_ maximum: Int) -> String { "must be no more than \(maximum) bytes" }

    public static func outOfRange(_ low: Int, _ high: Int) -> String {
        "must be between \(low) and \(high), inclusive"
    }

    /// Why `number` is no port; empty when it is one.
    public static func problems(inPort number: Int) -> [String] {
        (1...65_535).contains(number) ? [] : [outOfRange(1, 65_535)]
    }

    /// `rule (e.g. 'a',  or 'b', regex used for validation is 'x')`, the two spaces included.
    static func shape(_ rule: String, _ pattern: String, _ examples: [String]) -> String {
        guard !examples.isEmpty else { return "\(rule) (regex used for validation is '\(pattern)')" }
        let list = examples.map { "'\($0)', " }.joined(separator: " or ")
        return "\(rule) (e.g. \(list)regex used for validation is '\(pattern)')"
    }
}
