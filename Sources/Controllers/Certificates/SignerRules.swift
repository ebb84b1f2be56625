import PKI

/// The signers of Kubernetes itself, and what each of them signs (Kubernetes documentation, "Certificate Signing
/// Requests", "Kubernetes signers").
public enum KubernetesSigner: String, CaseIterable, Sendable {
    /// Users of the API.
    case client = "kubernetes.io/kube-apiserver-client"
    /// Kubelets as users of the API.
    case kubeletClient = "kubernetes.io/kube-apiserver-client-kubelet"
    /// What kubelets show to the API server.
    case kubeletServing = "kubernetes.io/kubelet-serving"
    /// Whatever somebody approved, from before signers had names.
    case legacy = "kubernetes.io/legacy-unknown"

    /// Why the signer does not sign a request, in Kubernetes' words; `nil` when it does.
    func objection(to request: PKI.CertificateSigningRequest, usages: [String]) -> String? {
        switch self {
        case .client: Self.objectionToClient(usages)
        case .kubeletClient: Self.objectionToKubelet(request, usages, isServing: false)
        case .kubeletServing: Self.objectionToKubelet(request, usages, isServing: true)
        case .legacy: nil
        }
    }

    private static func objectionToClient(_ usages: [String]) -> String? {
        let allowed: Set = ["digital signature", "key encipherment", "client auth"]
        if let usage = usages.first(where: { !allowed.contains($0) }) {
            return "invalid usage for client certificate: \(usage)"
        }
        return usages.contains("client auth") ? nil : "missing required usage for client certificate: client auth"
    }

    private static func objectionToKubelet(
        _ request: PKI.CertificateSigningRequest, _ usages: [String], isServing: Bool
    ) -> String? {
        guard request.subject.organizations == ["system:nodes"] else {
            return "subject organization is not system:nodes"
        }
        if let objection = objectionToNames(request, isServing: isServing) { return objection }
        let wanted = [isServing ? "server auth" : "client auth", "digital signature", "key encipherment"].sorted()
        // Keys that are not RSA encipher no other keys.
        let asked = Set(usages)
        guard asked == Set(wanted) || asked == Set(wanted).subtracting(["key encipherment"]) else {
            return "usages did not match [\(wanted.joined(separator: " "))]"
        }
        let hasName = request.subject.commonName.hasPrefix("system:node:")
        return hasName ? nil : "subject common name does not begin with system:node:"
    }

    private static func objectionToNames(
        _ request: PKI.CertificateSigningRequest, isServing: Bool
    ) -> String? {
        var (hasDNS, hasIP, hasEmail, hasURI) = (false, false, false, false)
        for name in request.subjectAlternativeNames {
            switch name {
            case .dns: hasDNS = true
            case .ip: hasIP = true
            case .email: hasEmail = true
            case .uri: hasURI = true
            }
        }
        if isServing, !hasDNS, !hasIP { return "DNS or IP subjectAltName is required" }
        if !isServing, hasDNS { return "DNS subjectAltNames are not allowed" }
        if hasEmail { return "Email subjectAltNames are not allowed" }
        if !isServing, hasIP { return "IP subjectAltNames are not allowed" }
        return hasURI ? "URI subjectAltNames are not allowed" : nil
    }
}
