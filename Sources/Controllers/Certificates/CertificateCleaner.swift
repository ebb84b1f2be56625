import API
public import APIMachinery
import Client
import PKI
import Support

/// Removes requests for certificates that are done with: nobody asks for them again.
public struct CertificateCleaner: Controller {
    public let name = "csrcleaner"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let requests = try await context.client.observe(API.CertificateSigningRequest.self)
        await ReconcileLoop<ObjectName>(context).run([.own(requests)]) { name throws(Status) in
            guard let stored = requests.get(name), !stored.isDeleting else { return nil }
            let now = context.now()
            guard let end = Self.end(of: API.CertificateSigningRequest(stored)) else { return nil }
            // Just after, for ends are whole seconds.
            guard end < now else { return end - now + .seconds(1) }
            try await context.client.delete(
                API.CertificateSigningRequest.self, name, DeletionOptions(preconditionUID: stored.uid))
            return nil
        }
    }

    private static let decided = Duration.seconds(60 * 60)
    private static let pending = Duration.seconds(24 * 60 * 60)

    /// Until when a request is kept: an hour after it was answered, a day while nobody has looked at it, and never longer
    /// than the certificate is valid. `nil` for one that is approved and waits for its signer, who may be another program.
    static func end(of request: API.CertificateSigningRequest) -> Timestamp? {
        let isIssued = !request.status.certificate.isEmpty
        var ends: [Timestamp?] = []
        if request.status.conditions.isEmpty { ends.append(request.metadata.creationTimestamp.map { $0 + pending }) }
        for condition in request.status.conditions {
            let isAnswer =
                condition.type == "Denied" || condition.type == "Failed" || condition.type == "Approved" && isIssued
            if isAnswer { ends.append(condition.lastUpdateTime.map { $0 + decided }) }
        }
        if isIssued { ends.append(try? Certificate.all(pem: request.status.certificate).first?.notAfter) }
        return ends.compactMap(\.self).min()
    }
}
