import APIMachinery
import Support

@testable import APIServer

extension TestWebhook {
    /// A kubeconfig that leads here.
    func kubeconfig(token: String = "secret") throws -> WebhookKubeconfig {
        try WebhookKubeconfig(text: kubeconfigText(token: token)) { _ throws(Fault) in [] }
    }

    private func kubeconfigText(token: String) -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: c
        contexts:
        - {name: c, context: {cluster: w, user: u}}
        clusters:
        - {name: w, cluster: {server: "\(url("/review"))", certificate-authority-data: \(Base64.encode(authority))}}
        users:
        - {name: u, user: {token: \(token)}}
        """
    }
}
