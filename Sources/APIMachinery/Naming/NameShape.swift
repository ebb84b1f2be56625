/// A shape in words, with its pattern and examples, as messages show it.
enum NameShape {
    case dns1123Label, dns1123Subdomain, wildcard, dns1035Label, qualifiedName, labelValue, cIdentifier
    case environmentVariable, configMapKey, percent, httpHeaderName

    private static let label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    private static let subdomain = label + "(\\." + label + ")*"
    private static let qualified = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

    var problem: String {
        switch self {
        case .dns1123Label:
            NameProblem.shape(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
                    + "and must start and end with an alphanumeric character", Self.label,
                ["my-name", "123-abc"])
        case .dns1123Subdomain:
            NameProblem.shape(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
                    + "and must start and end with an alphanumeric character", Self.subdomain, ["example.com"]
            )
        case .wildcard:
            NameProblem.shape(
                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
                    + "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
                "\\*\\." + Self.subdomain, ["*.example.com"])
        case .dns1035Label:
            NameProblem.shape(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
                    + "character, and end with an alphanumeric character", "[a-z]([-a-z0-9]*[a-z0-9])?",
                ["my-name", "abc-123"])
        case .qualifiedName:
            NameProblem.shape(
                "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
                    + "alphanumeric character", Self.qualified, ["MyName", "my.name", "123-abc"])
        case .labelValue:
            NameProblem.shape(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
                    + "must start and end with an alphanumeric character", "(\(Self.qualified))?",
                ["MyValue", "my_value", "12345"])
        case .cIdentifier:
            NameProblem.shape(
                "a valid C identifier must start with alphabetic character or '_', followed by a string of "
                    + "alphanumeric characters or '_'", "[A-Za-z_][A-Za-z0-9_]*",
                ["my_name", "MY_NAME", "MyName"])
        case .environmentVariable:
            NameProblem.shape(
                "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', "
                    + "and must not start with a digit", "[-._a-zA-Z][-._a-zA-Z0-9]*",
                ["my.env-name", "MY_ENV.NAME", "MyEnvName1"])
        case .configMapKey:
            NameProblem.shape(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                "[-._a-zA-Z0-9]+",
                ["key.name", "KEY_NAME", "key-name"])
        case .percent:
            NameProblem.shape(
                "a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%",
                ["1%", "93%"])
        case .httpHeaderName:
            NameProblem.shape(
                "a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+",
                ["X-Header-Name"])
        }
    }
}
