import APIMachinery
import Support

// ConfigMaps and Secrets.
extension FieldChecks {
    /// What one object may hold, so that it fits a request and the log.
    private static let contentLimit = 1024 * 1024

    mutating func configMap(_ map: Value) {
        let (texts, blobs) = (map["data"].entries, map["binaryData"].entries)
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
        guard old["immutable"].isTrue else { return }
        frozen(new, old, ["data", "binaryData"])
    }

    mutating func secret(_ secret: Value) {
        let data = secret["data"]
        var size = 0
        for (key, value) in data.entries {
            name(key, .configMapKey, "data[\(key)]")
            size += Self.decodedCount(value)
        }
        if size > Self.contentLimit { add(.tooLong("data", limit: Self.contentLimit)) }
        secretContent(secret, data)
    }

    /// What the type of a secret promises its readers.
    private mutating func secretContent(_ secret: Value, _ data: Value?) {
        switch secret["type"].text {
        case "kubernetes.io/service-account-token":
            let key = "kubernetes.io/service-account.name"
            require(secret.at("metadata", "annotations", key), "metadata.annotations[\(key)]")
        case "kubernetes.io/dockercfg": registryAccess(data, ".dockercfg")
        case "kubernetes.io/dockerconfigjson": registryAccess(data, ".dockerconfigjson")
        case "kubernetes.io/basic-auth":
            guard data["username"] == nil, data["password"] == nil else { break }
            // The first brackets are a slip of Kubernetes' that clients know by now.
            missing("data[username]")
            missing("data[password]")
        case "kubernetes.io/ssh-auth": require(data["ssh-privatekey"], "data[ssh-privatekey]")
        case "kubernetes.io/tls":
            for key in ["tls.crt", "tls.key"] where data[key] == nil { missing("data[\(key)]") }
        default: break
        }
    }

    private mutating func registryAccess(_ data: Value?, _ key: String) {
        guard let value = data[key] else { return missing("data[\(key)]") }
        do {
            let content = try Value(json: Base64.decode(value.string ?? "") ?? [])
            if content.fields != nil || content == .null { return }
            let word = content.array == nil ? "value" : "array"
            let why = "json: cannot unmarshal \(word) into Go value of type map[string]interface {}"
            invalid("data[\(key)]", "<secret contents redacted>", why)
        } catch {
            invalid("data[\(key)]", "<secret contents redacted>", "\(error)")
        }
    }

    mutating func secretUpdate(_ new: Value, _ old: Value) {
        immutable(new["type"], old["type"], "type")
        if old["immutable"].isTrue { frozen(new, old, ["data"]) }
    }

    /// An object that was declared immutable stays so, with all it holds.
    private mutating func frozen(_ new: Value, _ old: Value, _ keys: [String]) {
        let why = "field is immutable when `immutable` is set"
        if !new["immutable"].isTrue { forbid("immutable", why) }
        for key in keys where new[key].entries != old[key].entries { forbid(key, why) }
    }

    private static func decodedCount(_ value: Value) -> Int {
        let text = (value.string ?? "").utf8
        return text.count / 4 * 3 - text.suffix(2).count { $0 == UInt8(ascii: "=") }
    }
}
