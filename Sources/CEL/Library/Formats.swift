import APIMachinery
import Support

extension CELLibrary {
    /// Named formats of texts: `format.dns1123Label().validate("x")`.
    static let formats: [CELFunction] =
        NamedFormat.all.map { format in
            CELFunction("format.\(format.name)", "() kubernetes.NamedFormat") { _ in .opaque(format) }
        } + [
            CELFunction("format.named", "(string) optional(kubernetes.NamedFormat)") { arguments throws(CELError) in
                let name = try oneText(arguments)
                let format = NamedFormat.all.first { $0.name.hasSameBytes(as: name) }
                return .optional(CELOptional(format.map { .opaque($0) }))
            },
            CELFunction("validate", "kubernetes.NamedFormat.(string) optional(list(string))", cost: .format) {
                arguments throws(CELError) in
                guard case .opaque(let format as NamedFormat) = arguments[0], case .string(let text) = arguments[1]
                else { throw .noSuchOverload }
                let problems = format.problems(text)
                return .optional(problems.isEmpty ? .none : CELOptional(.texts(problems)))
            },
        ]
}

/// A rule for texts with a name, and what is wrong with a text by it.
private struct NamedFormat: CELOpaque {
    let name: String
    /// The length of a pattern that would check the same; costs count by it.
    let size: Int
    let problems: @Sendable (String) -> [String]

    var typeName: String { "kubernetes.NamedFormat" }
    func isEqual(to other: any CELOpaque) -> Bool { (other as? NamedFormat)?.name == name }

    static let all = [
        NamedFormat(name: "dns1123Label", size: 30) { NameRule.dns1123Label.problems(in: $0) },
        NamedFormat(name: "dns1123Subdomain", size: 60) { NameRule.dns1123Subdomain.problems(in: $0) },
        NamedFormat(name: "dns1035Label", size: 30) { NameRule.dns1035Label.problems(in: $0) },
        NamedFormat(name: "dns1123LabelPrefix", size: 30) { NameRule.dns1123Label.problems(inPrefix: $0) },
        NamedFormat(name: "dns1123SubdomainPrefix", size: 60) { NameRule.dns1123Subdomain.problems(inPrefix: $0) },
        NamedFormat(name: "dns1035LabelPrefix", size: 30) { NameRule.dns1035Label.problems(inPrefix: $0) },
        NamedFormat(name: "qualifiedName", size: 60) { NameRule.qualifiedName.problems(in: $0) },
        NamedFormat(name: "labelValue", size: 40) { NameRule.labelValue.problems(in: $0) },
        NamedFormat(name: "uri", size: 1000) { AbsoluteURL($0) == nil ? ["not a valid URI"] : [] },
        NamedFormat(name: "uuid", size: 100) { isUUID($0) ? [] : ["does not match the UUID format"] },
        NamedFormat(name: "byte", size: 100) { Base64.decode($0) == nil ? ["invalid base64"] : [] },
        NamedFormat(name: "date", size: 100) { Timestamp($0 + "T00:00:00Z") == nil ? ["invalid date"] : [] },
        NamedFormat(name: "datetime", size: 100) { Timestamp($0) == nil ? ["invalid datetime"] : [] },
    ]

    /// Digits in groups of 8, 4, 4, 4 and 12 (RFC 9562); the dashes may be left out.
    private static func isUUID(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let digits = bytes.filter { $0 != UInt8(ascii: "-") }
        guard digits.count == 32, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return false }
        let dashes = bytes.indices.filter { bytes[$0] == UInt8(ascii: "-") }
        return dashes == [8, 13, 18, 23] || dashes.isEmpty
    }
}
