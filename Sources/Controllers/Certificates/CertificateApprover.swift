import API
public import APIMachinery
import Client
import PKI
import Support

/// Approves what kubelets ask for as clients of the API, if the cluster's roles say that whoever asks may have it without
/// a look (KEP-1205; `nodeclient` for new nodes, `selfnodeclient` for those that renew).
public struct CertificateApprover: Controller {
    public let name = "certificate-controller"

    public init() {}

    /// A right under which a request is approved.
    enum Ground: String, CaseIterable {
        case own = "selfnodeclient"
        case any = "nodeclient"

        var message: String {
            switch self {
            case .own: "Auto approving self kubelet client certificate after SubjectAccessReview."
            case .any: "Auto approving kubelet client certificate after SubjectAccessReview."
            }
        }
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let requests = try await context.client.observe(API.CertificateSigningRequest.self)
        await ReconcileLoop<ObjectName>(context).run([.own(requests)]) { name throws(Status) in
            guard var request = requests.get(API.CertificateSigningRequest.self, name) else { return nil }
            for ground in Self.grounds(for: request) {
                guard try await Self.isAllowed(request.spec, ground, context.client) else { continue }
                request.decide("Approved", "AutoApproved", ground.message, at: context.now())
                let target = Target(.certificateSigningRequests, name, subresource: "approval")
                try await context.client.update(target, request.value, WriteOptions())
                break
            }
            return nil
        }
    }

    /// What a request could be approved for; nothing when it is decided already, or no kubelet's.
    static func grounds(for request: API.CertificateSigningRequest) -> [Ground] {
        let signer = KubernetesSigner.kubeletClient
        guard request.spec.signerName == signer.rawValue, request.status.certificate.isEmpty,
            !request.has("Approved"), !request.isDenied,
            let asked = try? PKI.CertificateSigningRequest(pem: request.spec.request),
            signer.objection(to: asked, usages: request.spec.usages) == nil
        else { return [] }
        return request.spec.username == asked.subject.commonName ? [.own, .any] : [.any]
    }

    private static func isAllowed(
        _ spec: CertificateSigningRequestSpec, _ ground: Ground, _ client: any Client
    ) async throws(Status) -> Bool {
        var review = SubjectAccessReview(name: "")
        review.spec.user = spec.username
        review.spec.uid = spec.uid
        review.spec.groups = spec.groups
        review.spec.extra = spec.extra
        var attributes = ResourceAttributes()
        (attributes.group, attributes.version) = ("certificates.k8s.io", "*")
        (attributes.resource, attributes.subresource) = ("certificatesigningrequests", ground.rawValue)
        attributes.verb = "create"
        review.spec.resourceAttributes = attributes
        return SubjectAccessReview(
            try await client.create(Target(.subjectAccessReviews), review.value, WriteOptions()).value
        ).status.allowed
    }
}
