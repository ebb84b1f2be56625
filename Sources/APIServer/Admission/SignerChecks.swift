import API
import APIMachinery
import Client
import PKI
import Support

/// Who approves, signs or attests in the name of a signer must have that verb on the signer itself, or on all of its
/// domain (Kubernetes documentation, "CertificateApproval", "CertificateSigning", "ClusterTrustBundleAttest").
struct SignerCheck: ValidatingAdmission {
    /// The acts that need a signer's leave.
    enum Act: Sendable {
        case approve, sign, attest
    }

    let act: Act
    let authorizer: any Authorizer

    private static let signers = GroupVersionResource(
        group: "certificates.k8s.io", version: "*", resource: "signers")

    var name: String {
        switch act {
        case .approve: "CertificateApproval"
        case .sign: "CertificateSigning"
        case .attest: "ClusterTrustBundleAttest"
        }
    }

    func concerns(_ resource: GroupVersionResource) -> Bool {
        switch act {
        case .approve, .sign: resource == .certificateSigningRequests
        case .attest: resource.group == "certificates.k8s.io" && resource.resource == "clustertrustbundles"
        }
    }

    func validate(_ request: AdmissionRequest) async throws(Status) {
        guard let object = request.object else { return }
        switch act {
        case .approve:
            guard request.operation == .update, request.subresource == "approval" else { return }
            try await require("approve", "approve requests with", request.oldObject ?? object, request)
        case .sign:
            guard request.operation == .update, request.subresource == "status" else { return }
            let hasSigned = ["certificate", "conditions"].contains {
                object.at("status", $0) != request.oldObject?.at("status", $0)
            }
            if hasSigned { try await require("sign", "sign requests with", request.oldObject ?? object, request) }
        case .attest:
            guard request.operation == .create || request.operation == .update, request.subresource == nil,
                object.at("spec", "signerName")?.string?.isEmpty == false
            else { return }
            try await require("attest", "attest for", object, request)
        }
    }

    private func require(
        _ verb: String, _ words: String, _ object: Value, _ request: AdmissionRequest
    ) async throws(Status) {
        let signer = object.at("spec", "signerName")?.string ?? ""
        let domain = signer.split(separator: "/", maxSplits: 1).first.map { $0 + "/*" } ?? ""
        for name in [signer, String(domain)] {
            let access = AccessRequest(user: request.user, verb: verb, Target(Self.signers, name: name))
            if case .allow = await authorizer.ask(access) { return }
        }
        throw request.forbidden("user not permitted to \(words) signerName \(GoText.quoted(signer))")
    }
}

/// Nobody becomes a master by a certificate that the API's own signer would sign (Kubernetes documentation,
/// "CertificateSubjectRestriction").
struct CertificateSubjectRestriction: ValidatingAdmission {
    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .certificateSigningRequests }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.subresource == nil, let spec = request.object?["spec"],
            spec["signerName"] == "kubernetes.io/kube-apiserver-client"
        else { return }
        let organizations: [String]
        do throws(Fault) {
            guard let pem = Base64.decode(spec["request"]?.string ?? "") else {
                throw Fault(.invalid, "the request is not base64")
            }
            organizations = try CertificateSigningRequest(pem: pem).subject.organizations
        } catch {
            throw request.forbidden("unable to parse CSR: \(error.summary)")
        }
        guard !organizations.contains(User.masters) else {
            throw request.forbidden(
                "use of kubernetes.io/kube-apiserver-client signer with \(User.masters) group is not allowed")
        }
    }
}
