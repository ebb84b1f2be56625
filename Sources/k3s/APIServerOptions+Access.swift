import APIServer
import Host
import Supervisor
import Support

extension APIServerOptions {
    /// Takes over what the flags say of users whom others know, and of who decides. Cluster domain and service accounts must
    /// be set before.
    mutating func apply(_ access: AccessArguments) throws(Fault) {
        if let issuer = access.issuer {
            authentication.configuration = try AuthenticationConfiguration(
                try Self.issuer(issuer), own: serviceAccounts.issuers(in: clusterDomain))
        } else if let file = access.authenticationConfigFile {
            let options = self
            authentication.configuration = try Self.reading(file) { text throws(Fault) in
                try options.readAuthentication(text)
            }
        }
        if let webhook = access.tokenWebhook {
            var options = TokenWebhookOptions(kubeconfig: try Self.kubeconfig(webhook.file))
            if let version = webhook.version.flatMap(ReviewVersion.init) { options.version = version }
            if let lifetime = access.tokenLifetime { options.cacheLifetime = lifetime }
            authentication.tokenWebhook = options
        }
        if let file = access.authorizationConfigFile {
            authorization = try Self.reading(file) { text throws(Fault) in try Self.readAuthorization(text) }
        } else if !access.authorizationModes.isEmpty || access.authorizationWebhook != nil {
            authorization = try AuthorizationConfiguration(
                names: access.authorizationModes, webhook: try Self.authorizationWebhook(access))
        }
    }

    /// Reads the file of `--authentication-config`.
    func readAuthentication(_ text: String) throws(Fault) -> AuthenticationConfiguration {
        try AuthenticationConfiguration(text: text, own: serviceAccounts.issuers(in: clusterDomain))
    }

    /// Reads the file of `--authorization-config`.
    static func readAuthorization(_ text: String) throws(Fault) -> AuthorizationConfiguration {
        try AuthorizationConfiguration(text: text) { file throws(Fault) in try kubeconfig(file) }
    }

    private static func issuer(_ issuer: AccessArguments.IssuerArguments) throws(Fault) -> OIDCOptions {
        var options = OIDCOptions(issuerURL: issuer.url, clientID: issuer.clientID)
        if let claim = issuer.usernameClaim { options.usernameClaim = claim }
        if let prefix = issuer.usernamePrefix { options.usernamePrefix = prefix }
        if let claim = issuer.groupsClaim { options.groupsClaim = claim }
        if let prefix = issuer.groupsPrefix { options.groupsPrefix = prefix }
        options.requiredClaims = issuer.requiredClaims
        if let file = issuer.authorityFile { options.authorities = try Files.readText(file) }
        if !issuer.signingAlgorithms.isEmpty { options.signingAlgorithms = issuer.signingAlgorithms }
        return options
    }

    private static func authorizationWebhook(_ access: AccessArguments) throws(Fault) -> AuthorizationWebhook? {
        guard let arguments = access.authorizationWebhook else { return nil }
        var webhook = AuthorizationWebhook(kubeconfig: try kubeconfig(arguments.file))
        if let version = arguments.version.flatMap(ReviewVersion.init) { webhook.version = version }
        // No time at all: nothing is believed twice.
        if let lifetime = access.allowedLifetime { webhook.allowedLifetime = lifetime > .zero ? lifetime : nil }
        if let lifetime = access.otherLifetime { webhook.otherLifetime = lifetime > .zero ? lifetime : nil }
        return webhook
    }

    /// Files that a kubeconfig names lie beside it, unless their paths say otherwise.
    static func kubeconfig(_ file: String) throws(Fault) -> WebhookKubeconfig {
        try reading(file) { text throws(Fault) in
            try WebhookKubeconfig(text: text) { name throws(Fault) in
                try Files.read(name.hasPrefix("/") ? name : Path.join(Path.parent(of: file), name))
            }
        }
    }
}
