import APIMachinery
import Support

extension BuiltinDefaults {
    /// What a client wrote as plain text becomes data like the rest, and wins over data of the same key. `stringData` is
    /// for writing only: no stored Secret has it (API reference, `Secret.stringData`).
    static func encodeStringData(_ secret: inout Value) {
        guard let plain = secret["stringData"]?.fields else { return }
        secret["stringData"] = nil
        for (key, text) in plain {
            secret[path: ["data", key]] = .string(Base64.encode((text.string ?? "").utf8))
        }
    }
}
