import Support

/// What `--kube-apiserver-arg` says, as flags of `kube-apiserver`: `NAME=VALUE` each. Files are named, not read.
public struct APIServerArguments: Hashable, Sendable {
    /// `--encryption-provider-config`.
    public var encryptionConfigFile: String?

    /// Fails with one sentence that names the argument at fault. One that this version does not know is a fault: it would
    /// otherwise be believed to hold.
    init(_ arguments: [String]) throws(Fault) {
        let dashed = arguments.map { $0.hasPrefix("-") ? $0 : "--" + $0 }
        let values: OptionValues
        do throws(Fault) {
            values = try OptionValues(dashed, options: Self.options)
        } catch {
            throw Fault(error.code, "--kube-apiserver-arg: \(error.summary)")
        }
        encryptionConfigFile = values.text("encryption-provider-config")
    }

    private static let options: [Option] = [
        Option("encryption-provider-config"),
    ]
}
