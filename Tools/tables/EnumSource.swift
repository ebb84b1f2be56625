import APIMachinery

/// Writes the values of the API's enums as constants: `PodPhase.running` is the text "Running".
struct EnumSource {
    private let facts: KubernetesFacts
    private var taken: Set<String>

    init(_ facts: KubernetesFacts, reserved: Set<String>) {
        self.facts = facts
        taken = reserved
    }

    /// The enums that the fields of a type use and that were not written before.
    mutating func constants(usedBy type: KubernetesFacts.TypeName) -> String {
        var text = ""
        for field in facts.fields(of: type) {
            guard let goType = field["goType"]?.string else { continue }
            let target = facts.resolve(goType, in: type.group)
            let entry = facts.groups[target.group]?["enums"]?[target.name]
            let values = (entry?["values"]?.array ?? []).compactMap(\.string)
            let constants = values.compactMap { value in SwiftName.constant(value).map { ($0, value) } }
            // `Protocol` means something else in Swift.
            let name = target.name == "Protocol" ? "TransportProtocol" : target.name
            guard !constants.isEmpty, taken.insert(name).inserted else { continue }
            text += "/// The values of `\(target.name)`.\npublic enum \(name) {\n"
            for (constant, value) in constants {
                text += "    public static var \(constant): String { \"\(value)\" }\n"
            }
            text += "}\n\n"
        }
        return text
    }
}
