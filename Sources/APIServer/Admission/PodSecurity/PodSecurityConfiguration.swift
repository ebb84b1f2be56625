import API
import APIMachinery
import Support

/// What holds for namespaces that say nothing, and who is not judged: a `PodSecurityConfiguration` of
/// `pod-security.admission.config.k8s.io`.
struct PodSecurityConfiguration: Sendable {
    var defaults = PodSecurityPolicy()
    var usernames: Set<String> = []
    var runtimeClasses: Set<String> = []
    var namespaces: Set<String> = []

    init() {}

    /// Reads the object.
    init(_ object: Value) throws(Fault) {
        let (policy, errors) = PodSecurityPolicy.configured(object["defaults"])
        if let error = errors.first {
            throw Fault(
                .invalid, "the configuration of PodSecurity is not valid: \(error.field): \(error.detail)",
                remedy: "correct `defaults` in the configuration of PodSecurity")
        }
        defaults = policy
        func names(_ key: String) -> Set<String> {
            Set((object.at("exemptions", key)?.array ?? []).compactMap(\.string))
        }
        (usernames, runtimeClasses, namespaces) = (names("usernames"), names("runtimeClasses"), names("namespaces"))
    }

    /// Why a request is not judged; `nil` when it is.
    func exemption(of request: AdmissionRequest) -> String? {
        if namespaces.contains(request.namespace) { return "namespace" }
        return usernames.contains(request.user.name) ? "user" : nil
    }

    func isExempt(runtimeClass name: String) -> Bool { !name.isEmpty && runtimeClasses.contains(name) }
}
