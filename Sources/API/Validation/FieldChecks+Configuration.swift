import APIMachinery

// ConfigMaps and Secrets.
extension FieldChecks {
    /// What one object may hold, so that it fits a request and the log.
    private static let contentLimit = 1024 * 1024

    mutating func configMap(_ map: Value) {
        let (texts, blobs) = (map["data"]?.fields ?? Fields(), map["binaryData"]?.fields ?? Fields())
        var size = 0
        for (key, value) in texts {
            name(key, .configMapKey, "data[\(key)]")
            if blobs[key] != nil {
                invalid("data[\(key)]", .string(key), "duplicate of key present in binaryData")
            }
            size += (value.string ?? "").utf8.count
        }
        for (key, value) in blobs {
            name(key, .configMapKey, "binaryData[\(key)]")
            size += Self.decodedCount(value)
        }
        if size > Self.contentLimit { add(.tooLong("", limit: Self.contentLimit)) }
    }

    mutating func configMapUpdate(_ new: Value, _ old: Value) {
        guard old["immutable"]?.bool == true else { return }
        frozen(new, old, ["data", "binaryData"])
    }

    mutating func secret(_ secret: Value) {
        var size = 0
        for (key, value) in secret["data"]?.fields ?? Fields() {
            name(key, .configMapKey, "data[\(key)]")
            size += Self.decodedCount(value)
        }
        if size > Self.contentLimit { add(.tooLong("data", limit: Self.contentLimit)) }
        for key in Self.requiredKeys[secret["type"]?.string ?? ""] ?? [] where secret.at("data", key) == nil {
            add(.required("data[\(key)]"))
        }
        if secret["type"]?.string == "kubernetes.io/service-account-token" {
            let key = "kubernetes.io/service-account.name"
            require(secret.at("metadata", "annotations", key), "metadata.annotations[\(key)]")
        }
    }

    private static let requiredKeys = [
        "kubernetes.io/tls": ["tls.crt", "tls.key"], "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
        "kubernetes.io/dockercfg": [".dockercfg"], "kubernetes.io/ssh-auth": ["ssh-privatekey"],
    ]

    mutating func secretUpdate(_ new: Value, _ old: Value) {
        immutable(new["type"], old["type"], "type")
        if old["immutable"]?.bool == true { frozen(new, old, ["data"]) }
    }

    /// An object that was declared immutable stays so, with all it holds.
    private mutating func frozen(_ new: Value, _ old: Value, _ keys: [String]) {
        let why = "field is immutable when `immutable` is set"
        if new["immutable"]?.bool != true { add(.forbidden("immutable", why)) }
        for key in keys where new[key] != old[key] { add(.forbidden(key, why)) }
    }

    private static func decodedCount(_ value: Value) -> Int {
        let text = (value.string ?? "").utf8
        return text.count / 4 * 3 - text.suffix(2).count { $0 == UInt8(ascii: "=") }
    }
}
