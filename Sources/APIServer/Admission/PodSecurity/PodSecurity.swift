import API
import APIMachinery
import Client

/// Holds the pods of a namespace to the Pod Security Standard that its labels name (Kubernetes documentation, "Pod
/// Security Admission"): pods are refused, what makes pods is warned of, and both are noted for the audit log.
struct PodSecurity: ValidatingAdmission {
    let namespaces: any ObjectSet
    let pods: any ObjectSet
    var configuration = PodSecurityConfiguration()

    /// Subresources of pods that do not change what runs.
    private static let harmless: Set<String> = [
        "exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status",
    ]
    /// Where the template of a pod is in what makes pods.
    private static let templates: [GroupVersionResource: [String]] = [
        .replicationControllers: ["spec", "template"], .podTemplates: ["template"],
        .replicaSets: ["spec", "template"], .deployments: ["spec", "template"], .statefulSets: ["spec", "template"],
        .daemonSets: ["spec", "template"], .jobs: ["spec", "template"],
        .cronJobs: ["spec", "jobTemplate", "spec", "template"],
    ]

    func concerns(_ resource: GroupVersionResource) -> Bool {
        resource == .pods || resource == .namespaces || Self.templates[resource] != nil
    }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create || request.operation == .update, let object = request.object else { return }
        switch request.resource {
        case .namespaces:
            if request.subresource == nil { try validateNamespace(request, object) }
        case .pods:
            guard !Self.harmless.contains(request.subresource ?? "") else { return }
            try judge(object, request, enforces: true)
        default:
            guard request.subresource == nil, let path = Self.templates[request.resource],
                let template = object[path: path]
            else { return }
            try judge(template, request, enforces: false)
        }
    }

    // MARK: Pods

    private func judge(_ pod: Value, _ request: AdmissionRequest, enforces: Bool) throws(Status) {
        if let exemption = configuration.exemption(of: request) {
            return request.notes.annotate(PodSecurityNote.exempt, exemption)
        }
        guard let namespace = namespaces.get(ObjectName(name: request.namespace)) else {
            throw .internalError("failed to lookup namespace \(request.namespace)")
        }
        let (policy, errors) = PodSecurityPolicy.read(namespace.labels, defaults: configuration.defaults)
        guard !policy.isPrivileged || !errors.isEmpty else { return }
        if enforces, let old = request.oldObject, !Self.isSignificant(pod, over: old) { return }
        if configuration.isExempt(runtimeClass: pod.at("spec", "runtimeClassName")?.string ?? "") {
            return request.notes.annotate(PodSecurityNote.exempt, "runtimeClass")
        }
        if let error = errors.first {
            request.notes.annotate(PodSecurityNote.error, "Failed to parse policy: \(error)")
        }
        var known: [PodSecurityStandard: [PodSecurityViolation]] = [:]
        func violations(_ standard: PodSecurityStandard) -> [PodSecurityViolation] {
            if let present = known[standard] { return present }
            let found = PodSecurityChecks.violations(of: pod, against: standard)
            known[standard] = found
            return found
        }
        let refused = enforces ? violations(policy.enforce) : []
        if enforces { request.notes.annotate(PodSecurityNote.enforced, policy.enforce.description) }
        let audited = violations(policy.audit)
        if !audited.isEmpty {
            request.notes.annotate(
                PodSecurityNote.violations, "would violate PodSecurity \"\(policy.audit)\": \(audited.details)")
        }
        guard refused.isEmpty else {
            throw request.forbidden("violates PodSecurity \"\(policy.enforce)\": \(refused.details)")
        }
        let warned = violations(policy.warn)
        if !warned.isEmpty {
            request.notes.warn("would violate PodSecurity \"\(policy.warn)\": \(warned.details)")
        }
    }

    /// Whether an update of a pod changes what the standards look at. Little of a pod can be changed.
    private static func isSignificant(_ pod: Value, over old: Value) -> Bool {
        let marks = ["seccomp.security.alpha.kubernetes.io/", "container.apparmor.security.beta.kubernetes.io/"]
        func annotations(_ pod: Value) -> Fields {
            let all = pod.at("metadata", "annotations")?.fields ?? Fields()
            return Fields(all.filter { item in marks.contains { item.key.contains($0) } }.map { ($0.key, $0.value) })
        }
        if annotations(pod) != annotations(old) { return true }
        return ["containers", "initContainers", "ephemeralContainers"].contains { list in
            let (new, before) = (pod.at("spec", list)?.array ?? [], old.at("spec", list)?.array ?? [])
            guard new.count == before.count else { return true }
            return zip(new, before).contains { $0["image"] != $1["image"] || $0["name"] != $1["name"] }
        }
    }

    // MARK: Namespaces

    private func validateNamespace(_ request: AdmissionRequest, _ object: Value) throws(Status) {
        func policy(_ namespace: Value?) -> (policy: PodSecurityPolicy, errors: [FieldError]) {
            PodSecurityPolicy.read(
                namespace?.at("metadata", "labels")?.fields ?? Fields(), defaults: configuration.defaults)
        }
        let new = policy(object)
        guard let current = request.oldObject else {
            guard new.errors.isEmpty else { throw .invalid(request.kind, request.objectName, new.errors) }
            warnIfExempt(request, new.policy, object)
            return
        }
        let old = policy(current)
        guard new.errors.isEmpty || new.errors == old.errors else {
            throw .invalid(request.kind, request.objectName, new.errors)
        }
        let (enforce, before) = (new.policy.enforce, old.policy.enforce)
        guard enforce != before, enforce.level != .privileged,
            enforce.minor != before.minor || enforce.level > before.level
        else { return }
        guard !configuration.namespaces.contains(request.objectName) else {
            return warnIfExempt(request, new.policy, object)
        }
        let survey = PodSecuritySurvey(
            of: pods.list(namespace: request.objectName), against: enforce, in: request.objectName,
            isExempt: configuration.isExempt(runtimeClass:))
        for warning in survey.warnings { request.notes.warn(warning) }
    }

    private func warnIfExempt(_ request: AdmissionRequest, _ policy: PodSecurityPolicy, _ object: Value) {
        guard configuration.namespaces.contains(request.objectName), policy != configuration.defaults else { return }
        request.notes.warn(
            "namespace \"\(request.objectName)\" is exempt from Pod Security, and the policy "
                + "(enforce=\(policy.enforce), audit=\(policy.audit), warn=\(policy.warn)) will be ignored")
    }
}

/// The keys under which the audit log learns of pod security.
private enum PodSecurityNote {
    static let enforced = "pod-security.kubernetes.io/enforce-policy"
    static let violations = "pod-security.kubernetes.io/audit-violations"
    static let exempt = "pod-security.kubernetes.io/exempt"
    static let error = "pod-security.kubernetes.io/error"
}
