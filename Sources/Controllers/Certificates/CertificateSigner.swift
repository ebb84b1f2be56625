import API
public import APIMachinery
import Client
import Logging
public import PKI
import Support

/// Signs the requests that are approved and addressed to the signers of Kubernetes.
public struct CertificateSigner: Controller {
    public let name = "certificate-controller"
    private let authorities: [KubernetesSigner: CertificateAuthority]
    private let decision: SigningDecision

    /// - Parameters:
    ///   - authorities: With which key each signer signs; one that is missing signs nothing.
    ///   - lifetime: How long a certificate is valid that does not ask for less (`--cluster-signing-duration`).
    public init(_ authorities: [KubernetesSigner: CertificateAuthority], lifetime: Duration = .seconds(365 * 86_400)) {
        self.authorities = authorities
        decision = SigningDecision(lifetime: lifetime)
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let requests = try await context.client.observe(API.CertificateSigningRequest.self)
        await ReconcileLoop<ObjectName>(context).run([.own(requests)]) { name throws(Status) in
            guard let request = requests.get(API.CertificateSigningRequest.self, name),
                let signer = KubernetesSigner(rawValue: request.spec.signerName), let authority = authorities[signer]
            else { return nil }
            let answered: API.CertificateSigningRequest?
            do throws(Fault) {
                answered = try answer(to: request, signer, authority, at: context.now())
            } catch {
                context.log.warning("the request \(name.name) cannot be signed: \(error.summary)")
                return nil
            }
            if let answered { try await context.client.updateStatus(answered) }
            return nil
        }
    }

    /// The request with its certificate, or with why there is none; `nil` when there is nothing to do.
    private func answer(
        to request: API.CertificateSigningRequest, _ signer: KubernetesSigner, _ authority: CertificateAuthority,
        at now: Timestamp
    ) throws(Fault) -> API.CertificateSigningRequest? {
        var answered = request
        switch try decision.action(for: request, by: signer, of: authority.certificate, at: now) {
        case .leave: return nil
        case .refuse(let why): answered.decide("Failed", "SignerValidationFailure", why, at: now)
        case .sign(let template, let key):
            answered.status.certificate = try authority.issue(template, for: key).pem
        }
        return answered
    }
}
