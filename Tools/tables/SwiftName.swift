/// How names of the API become names of Swift.
enum SwiftName {
    /// Words of the language that need quoting as a property's name.
    private static let keywords: Set<String> = [
        "default", "operator", "protocol", "continue", "extension", "internal", "in", "is", "as", "self",
        "subscript",
        "where", "for", "case", "repeat", "static", "public", "private", "import", "class", "struct", "enum",
        "func",
        "true", "false", "nil",
    ]

    /// What every view has for itself; such a field gets its kind of content as a suffix: `valueText`.
    private static let reserved: Set<String> = ["value", "description"]

    /// The property of a field.
    static func property(_ key: String, ofType type: String) -> String {
        if reserved.contains(key) {
            return key + (type.hasPrefix("String") ? "Text" : type.hasPrefix("Int") ? "Number" : "Content")
        }
        let name = lowerFirst(key.filter { $0.isLetter || $0.isNumber })
        return keywords.contains(name) ? "`\(name)`" : name
    }

    /// `EventsV1Event` for `Event` of `events.k8s.io/v1`.
    static func qualified(_ name: String, in group: String) -> String {
        let parts = group.split(separator: "/")
        let domain = parts[0].prefix { $0 != "." }
        return upperFirst(String(domain)) + upperFirst(String(parts[1])) + name
    }

    /// The plural of the resource with the capitals of its kind: `networkPolicies`.
    static func plural(of kind: String, _ plural: String) -> String {
        var result = ""
        var rest = plural[...]
        for character in kind {
            guard let next = rest.first, character.lowercased() == String(next) else { break }
            result.append(character)
            rest.removeFirst()
        }
        return lowerFirst(result + rest)
    }

    /// The name of an enum's value; `nil` for one that is no word.
    static func constant(_ value: String) -> String? {
        guard value.first?.isLetter == true, value.allSatisfy({ $0.isLetter || $0.isNumber }) else {
            return nil
        }
        let name = value.hasPrefix("IPv") ? "ipv" + value.dropFirst(3) : lowerFirst(value)
        return keywords.contains(name) ? "`\(name)`" : name
    }

    /// `podIP` for `PodIP`, `csiDriver` for `CSIDriver`, `tcp` for `TCP`.
    static func lowerFirst(_ name: String) -> String {
        let capitals = name.prefix { $0.isUppercase }
        let isWhole = capitals.count == name.count || name[capitals.endIndex...].first?.isNumber == true
        let count = isWhole ? capitals.count : max(1, capitals.count - 1)
        return name.prefix(count).lowercased() + name.dropFirst(count)
    }

    static func upperFirst(_ name: String) -> String { name.prefix(1).uppercased() + name.dropFirst() }
}
