import APIMachinery
import Support

/// Where a webhook listens and whom it must prove to be: the `clientConfig` of an admission webhook, or of the
/// conversion of a custom resource.
struct WebhookTarget: Hashable, Sendable {
    enum Place: Hashable, Sendable {
        /// `https`, in full.
        case url(String)
        /// `path` begins with a slash.
        case service(ObjectName, port: Int, path: String)
    }

    var place: Place
    /// Who may have signed the server's certificate, as PEM. Empty: whom this system trusts.
    var authorities: [UInt8]

    init(_ place: Place, authorities: [UInt8]) {
        self.place = place
        self.authorities = authorities
    }

    /// `nil` when the configuration names neither a URL nor a service.
    init?(_ clientConfig: Value) {
        authorities = clientConfig["caBundle"]?.string.flatMap { Base64.decode($0) } ?? []
        if let service = clientConfig["service"], service.fields != nil {
            let name = ObjectName(
                namespace: service["namespace"]?.string ?? "", name: service["name"]?.string ?? "")
            let path = service["path"]?.string ?? ""
            place = .service(
                name, port: Int(service["port"]?.integer ?? 443), path: path.hasPrefix("/") ? path : "/" + path)
        } else if let url = clientConfig["url"]?.string {
            place = .url(url)
        } else {
            return nil
        }
    }

    /// The URL that is called, and that errors name.
    var url: String {
        switch place {
        case .url(let url): url
        case .service(_, let port, let path): "https://\(serverName ?? ""):\(port)\(path)"
        }
    }

    /// The name that the certificate of a service must hold; `nil` for the host of the URL.
    var serverName: String? {
        guard case .service(let name, _, _) = place else { return nil }
        return "\(name.name).\(name.namespace).svc"
    }
}
