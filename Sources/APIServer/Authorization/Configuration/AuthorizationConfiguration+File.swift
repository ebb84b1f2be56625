import APIMachinery
public import Support

extension AuthorizationConfiguration {
    /// Reads the file's text, YAML or JSON. `kubeconfig` reads a file that it names. A fault names the part that is wrong.
    public init(
        text: String, kubeconfig: (String) throws(Fault) -> WebhookKubeconfig
    ) throws(Fault) {
        let document = try ConfigurationDocument(
            text, kind: "AuthorizationConfiguration", versions: ["v1", "v1beta1"], flag: "--authorization-config")
        let listed = document.value["authorizers"]?.array ?? []
        guard !listed.isEmpty else { throw document.fault("authorizers: at least one authorization mode must be defined") }
        var (names, types): (Set<String>, Set<String>) = ([], [])
        modes = []
        for (index, entry) in listed.enumerated() {
            let path = "authorizers[\(index)]"
            let (type, name) = (entry["type"]?.string ?? "", entry["name"]?.string ?? "")
            guard !type.isEmpty else { throw document.fault("\(path).type: Required value") }
            guard type == "Webhook" || types.insert(type).inserted else {
                throw document.fault("\(path).type: Duplicate value: \(GoText.quoted(type))")
            }
            guard NameRule.dns1123Subdomain.problems(in: name).isEmpty else {
                throw document.fault("\(path).name: a DNS name is needed, and not \(GoText.quoted(name))")
            }
            guard names.insert(name).inserted else {
                throw document.fault("\(path).name: Duplicate value: \(GoText.quoted(name))")
            }
            guard type == "Webhook" else {
                guard entry["webhook"] == nil else {
                    throw document.fault("\(path).webhook: may only be specified when type=Webhook")
                }
                do throws(Fault) {
                    modes.append(try Self.plain(type))
                } catch {
                    throw document.fault("\(path).type: \(error.summary)")
                }
                continue
            }
            guard let webhook = entry["webhook"] else {
                throw document.fault("\(path).webhook: required when type=Webhook")
            }
            modes.append(
                .webhook(
                    name: name,
                    try document.locating(path + ".webhook") { () throws(Fault) in
                        try AuthorizationWebhook(webhook, kubeconfig)
                    }))
        }
    }
}

extension AuthorizationWebhook {
    /// An entry of the file. Every time-out is to be said, so that nobody relies on one that nobody chose.
    fileprivate init(
        _ value: Value, _ kubeconfig: (String) throws(Fault) -> WebhookKubeconfig
    ) throws(Fault) {
        let info = value["connectionInfo"] ?? .emptyObject
        switch info["type"]?.string {
        case "KubeConfigFile":
            let file = info["kubeConfigFile"]?.string ?? ""
            guard file.hasPrefix("/") else {
                throw Fault(.invalid, "connectionInfo.kubeConfigFile: must be an absolute path")
            }
            self.init(kubeconfig: try kubeconfig(file))
        case "InClusterConfig":
            throw Fault(.unsupported, "connectionInfo.type: this server runs outside of pods, and has no InClusterConfig")
        default:
            throw Fault(.invalid, "connectionInfo.type: must be KubeConfigFile or InClusterConfig")
        }
        timeout = try Self.duration(value, "timeout")
        guard timeout <= .seconds(30) else { throw Fault(.invalid, "timeout: must be > 0s and <= 30s") }
        let (allowed, other) = (
            try Self.duration(value, "authorizedTTL"), try Self.duration(value, "unauthorizedTTL")
        )
        allowedLifetime = value["cacheAuthorizedRequests"] == false ? nil : allowed
        otherLifetime = value["cacheUnauthorizedRequests"] == false ? nil : other
        guard let version = value["subjectAccessReviewVersion"]?.string.flatMap(ReviewVersion.init) else {
            throw Fault(.invalid, "subjectAccessReviewVersion: must be v1 or v1beta1")
        }
        self.version = version
        switch value["failurePolicy"]?.string {
        case "NoOpinion": failureDenies = false
        case "Deny": failureDenies = true
        default: throw Fault(.invalid, "failurePolicy: must be NoOpinion or Deny")
        }
        let expressions = (value["matchConditions"]?.array ?? []).map { $0["expression"]?.string ?? "" }
        guard expressions.count <= 64 else { throw Fault(.invalid, "matchConditions: must have at most 64 items") }
        switch value["matchConditionSubjectAccessReviewVersion"]?.string {
        case "v1": break
        case nil where expressions.isEmpty: break
        case nil:
            throw Fault(
                .invalid,
                "matchConditionSubjectAccessReviewVersion: required if match conditions are specified")
        default: throw Fault(.invalid, "matchConditionSubjectAccessReviewVersion: must be v1")
        }
        conditions = try RequestConditions(expressions, at: "matchConditions")
    }

    private static func duration(_ value: Value, _ name: String) throws(Fault) -> Duration {
        guard let text = value[name]?.string, let duration = try? GoDuration.parse(text), duration > .zero else {
            throw Fault(.invalid, "\(name): a duration above 0s is needed, such as 30s")
        }
        return duration
    }
}
