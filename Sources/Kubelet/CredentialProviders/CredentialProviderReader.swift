import APIMachinery
import Host
import Support

/// Reads the fields of a `CredentialProviderConfig`, and collects what is wrong with their values. What has the wrong type or
/// is no field at all is a fault.
struct CredentialProviderReader {
    let folder: String
    /// Only the newest version has `tokenAttributes`.
    let knowsTokens: Bool
    /// As Kubernetes words them.
    private(set) var errors: [String] = []

    static let versions = ["v1", "v1alpha1", "v1beta1"].map { "credentialprovider.kubelet.k8s.io/" + $0 }

    init(folder: String, knowsTokens: Bool) { (self.folder, self.knowsTokens) = (folder, knowsTokens) }

    mutating func read(_ value: Value) throws(Fault) -> [CredentialProvider] {
        try Self.checkFields(value, ["kind", "apiVersion", "providers"], "")
        let items = try Self.list(value["providers"], "providers")
        if items.isEmpty { errors.append("providers: Required value: at least 1 item in plugins is required") }
        var providers: [CredentialProvider] = []
        var names: Set<String> = []
        for (index, item) in items.enumerated() {
            let provider = try provider(item, "providers[\(index)]")
            if !names.insert(provider.name).inserted {
                errors.append("providers.name: Duplicate value: \(GoText.quoted(provider.name))")
            }
            providers.append(provider)
        }
        return providers
    }

    private mutating func provider(_ value: Value, _ place: String) throws(Fault) -> CredentialProvider {
        let fields = ["name", "matchImages", "defaultCacheDuration", "apiVersion", "args", "env"]
        try Self.checkFields(value, fields + (knowsTokens ? ["tokenAttributes"] : []), place)
        let name = try Self.text(value["name"], place + ".name") ?? ""
        checkName(name)
        let version = try Self.text(value["apiVersion"], place + ".apiVersion") ?? ""
        if version.isEmpty {
            errors.append("providers.apiVersion: Required value")
        } else if !Self.versions.contains(version) {
            errors.append(unsupported("providers.apiVersion", version, Self.versions))
        }
        return CredentialProvider(
            name: name, program: Path.join(folder, name), images: try images(value["matchImages"], place),
            defaultLifetime: try lifetime(value["defaultCacheDuration"], place), version: version,
            arguments: try Self.texts(value["args"], place + ".args"),
            environment: try environment(value["env"], place), tokens: try tokens(value["tokenAttributes"], place, version))
    }

    private mutating func checkName(_ name: String) {
        func refuse(_ why: String) {
            errors.append("providers.name: Invalid value: \(GoText.quoted(name)): provider name cannot \(why)")
        }
        if name.contains("/") { refuse("contain '/'") }
        if name.contains(" ") { refuse("contain spaces") }
        if name == "." || name == ".." { refuse("be '\(name)'") }
    }

    private mutating func images(_ value: Value?, _ place: String) throws(Fault) -> [ImagePattern] {
        let texts = try Self.texts(value, place + ".matchImages")
        if texts.isEmpty {
            errors.append("providers.matchImages: Required value: at least 1 item in matchImages is required")
        }
        for text in texts {
            guard let why = ImagePattern.objection(to: text) else { continue }
            errors.append(
                "providers.matchImages: Invalid value: \(GoText.quoted(text)): match image is invalid: "
                    + "parse \(GoText.quoted("https://" + text)): \(why)")
        }
        return texts.compactMap { ImagePattern($0) }
    }

    private mutating func lifetime(_ value: Value?, _ place: String) throws(Fault) -> Duration {
        guard let text = try Self.text(value, place + ".defaultCacheDuration") else {
            errors.append("providers.defaultCacheDuration: Required value")
            return .zero
        }
        let duration: Duration
        do throws(GoDuration.ParseError) { duration = try GoDuration.parse(text) } catch {
            throw Fault(.invalid, "\(place).defaultCacheDuration: \(error)")
        }
        if duration < .zero {
            errors.append(
                "providers.defaultCacheDuration: Invalid value: \(GoText.quoted(text)): "
                    + "defaultCacheDuration must be greater than or equal to 0")
        }
        return duration
    }

    private func environment(_ value: Value?, _ place: String) throws(Fault) -> [String: String] {
        var variables: [String: String] = [:]
        for (index, item) in try Self.list(value, place + ".env").enumerated() {
            let own = "\(place).env[\(index)]"
            try Self.checkFields(item, ["name", "value"], own)
            variables[try Self.text(item["name"], own + ".name") ?? ""] = try Self.text(item["value"], own + ".value") ?? ""
        }
        return variables
    }

    // MARK: Tokens

    private mutating func tokens(
        _ value: Value?, _ place: String, _ version: String
    ) throws(Fault) -> CredentialProvider.Tokens? {
        guard let value, !value.isNull else { return nil }
        let (own, path) = (place + ".tokenAttributes", "providers.tokenAttributes")
        let (requiredKeys, optionalKeys) = (
            "requiredServiceAccountAnnotationKeys", "optionalServiceAccountAnnotationKeys"
        )
        try Self.checkFields(
            value, ["serviceAccountTokenAudience", "cacheType", "requireServiceAccount", requiredKeys, optionalKeys], own)
        let audience = try Self.text(value["serviceAccountTokenAudience"], own + ".serviceAccountTokenAudience") ?? ""
        if audience.isEmpty { errors.append(path + ".serviceAccountTokenAudience: Required value") }
        let isRequired = try Self.flag(value["requireServiceAccount"], own + ".requireServiceAccount")
        if isRequired == nil { errors.append(path + ".requireServiceAccount: Required value") }
        if version != "credentialprovider.kubelet.k8s.io/v1" {
            errors.append(
                path + ": Forbidden: tokenAttributes is only supported for credentialprovider.kubelet.k8s.io/v1 API version")
        }
        let required = try Self.texts(value[requiredKeys], own + "." + requiredKeys)
        let optional = try Self.texts(value[optionalKeys], own + "." + optionalKeys)
        if isRequired == false, !required.isEmpty {
            errors.append(
                "\(path).\(requiredKeys): Forbidden: requireServiceAccount cannot be false when \(requiredKeys) is set")
        }
        checkKeys(required, path + "." + requiredKeys)
        checkKeys(optional, path + "." + optionalKeys)
        let both = Set(required).intersection(optional).sorted()
        if !both.isEmpty {
            let list = "[" + both.map { GoText.quoted($0) }.joined(separator: ",") + "]"
            errors.append("\(path): Invalid value: \(list): annotation keys cannot be both required and optional")
        }
        let kind = try Self.text(value["cacheType"], own + ".cacheType") ?? ""
        let kinds = CredentialProvider.Tokens.Lifetime.allCases.map(\.rawValue).sorted()
        let lifetime = CredentialProvider.Tokens.Lifetime(rawValue: kind)
        if kind.isEmpty {
            errors.append(
                path + ".cacheType: Required value: cacheType is required to be set when tokenAttributes is specified. "
                    + "Supported values are: \(kinds.joined(separator: ", "))")
        } else if lifetime == nil {
            errors.append(unsupported(path + ".cacheType", kind, kinds))
        }
        return CredentialProvider.Tokens(
            audience: audience, lifetime: lifetime ?? .token, isAccountRequired: isRequired ?? true,
            requiredAnnotations: required, optionalAnnotations: optional)
    }

    private mutating func checkKeys(_ keys: [String], _ path: String) {
        var seen: Set<String> = []
        for key in keys {
            // The case of letters does not matter.
            for problem in NameRule.qualifiedName.problems(in: key.lowercased()) {
                errors.append("\(path): Invalid value: \(GoText.quoted(key)): \(problem)")
            }
            if !seen.insert(key).inserted { errors.append("\(path): Duplicate value: \(GoText.quoted(key))") }
        }
    }

    private func unsupported(_ path: String, _ value: String, _ all: [String]) -> String {
        let list = all.map { GoText.quoted($0) }.joined(separator: ", ")
        return "\(path): Unsupported value: \(GoText.quoted(value)): supported values: \(list)"
    }

    // MARK: Types

    private static func checkFields(_ value: Value, _ known: [String], _ place: String) throws(Fault) {
        guard let fields = value.fields else { throw wrongType(place) }
        guard let other = fields.keys.first(where: { !known.contains($0) }) else { return }
        let path = place.isEmpty ? other : place + "." + other
        throw Fault(.invalid, "strict decoding error: unknown field \(GoText.quoted(path))")
    }

    private static func wrongType(_ place: String) -> Fault { Fault(.invalid, "\(place) has the wrong type") }

    private static func text(_ value: Value?, _ place: String) throws(Fault) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string else { throw wrongType(place) }
        return text
    }

    private static func flag(_ value: Value?, _ place: String) throws(Fault) -> Bool? {
        guard let value, !value.isNull else { return nil }
        guard let flag = value.bool else { throw wrongType(place) }
        return flag
    }

    private static func list(_ value: Value?, _ place: String) throws(Fault) -> [Value] {
        guard let value, !value.isNull else { return [] }
        guard let items = value.array else { throw wrongType(place) }
        return items
    }

    private static func texts(_ value: Value?, _ place: String) throws(Fault) -> [String] {
        var texts: [String] = []
        for (index, item) in try list(value, place).enumerated() {
            guard let text = try text(item, "\(place)[\(index)]") else { throw wrongType("\(place)[\(index)]") }
            texts.append(text)
        }
        return texts
    }
}
