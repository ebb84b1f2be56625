import Support
import Synchronization

/// How long the certificates that clients show are still valid: what people are warned by before a component's runs out.
final class CertificateLives: Sendable {
    /// Seconds: from half an hour to a year.
    private static let bounds: [Double] = [
        0, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 2_592_000, 7_776_000, 15_552_000,
        31_104_000,
    ]
    private let state = Mutex(Histogram(CertificateLives.bounds))

    /// A request was sent with a certificate that is valid for so long.
    func note(_ left: Duration) { state.withLock { $0.observe(left / .seconds(1)) } }

    func write(to text: inout MetricText) {
        let name = "apiserver_client_certificate_expiration_seconds"
        text.begin(name, .histogram, "How long the certificates of clients are still valid, for each request.")
        state.withLock(\.self).write(name, [], to: &text)
    }
}
