import APIMachinery
public import CEL

/// The expressions that select devices (KEP-4381, "Using structured parameters"): what they may name is the
/// device.
public enum DeviceSelector {
    /// Compiles an expression, which must come to a Boolean, or to what cannot be known before it is
    /// evaluated.
    public static func compile(_ source: String) throws(CELError) -> CELProgram {
        let program = try CELProgram(source, in: environment)
        guard program.resultType == .bool || program.resultType == .dyn else {
            throw CELError(
                .resultType, "must evaluate to bool or the unknown type, not \(program.resultType.name)")
        }
        return program
    }

    private static let environment = CELEnvironment(variables: ["device": .named(device)])

    /// Attributes and capacity by domain, then by name; without a domain of its own that of the driver.
    private static let device = CELObjectType(
        "kubernetes.DRADevice",
        fields: [
            "driver": .string, "attributes": .map(.string, .map(.string, .dyn)),
            "capacity": .map(.string, .map(.string, .opaque("kubernetes.Quantity"))),
            "allowMultipleAllocations": .bool,
        ])
}
