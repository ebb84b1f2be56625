import API
import APIMachinery
import APIServer
import Host
import PKI
import Supervisor
import Support
import Wire

extension APIServerOptions {
    /// Takes over what the flags of the API server say, reading the files that they name. What is wrong with a file ends
    /// the start.
    mutating func apply(_ arguments: APIServerArguments, _ credentials: ServerCredentials) throws(Fault) {
        if let file = arguments.encryptionConfigFile {
            encryption = try Self.reading(file) { text throws(Fault) in try EncryptionConfiguration(text: text) }
        } else if let own = credentials.encryption {
            encryption = try EncryptionConfiguration(text: String(decoding: own, as: UTF8.self))
        }
        try Self.naming("kube-apiserver-arg") { () throws(Fault) in try FeatureGates.check(arguments.featureGates) }
        served = try Self.naming("kube-apiserver-arg") { () throws(Fault) in try RuntimeConfig(arguments.runtimeConfig) }
        try applyServiceAccounts(arguments)
        admission = try Self.admission(arguments)
        authentication.frontProxy = try Self.frontProxy(arguments, credentials)
        if let file = arguments.tokenFile {
            authentication.staticTokens = try Self.reading(file) { text throws(Fault) in try StaticTokens(csv: text) }
        }
        if let accepts = arguments.acceptsBootstrapTokens { authentication.acceptsBootstrapTokens = accepts }
        audit = try AuditOptions(arguments.audit)
        try apply(arguments.serving)
        try apply(arguments.listener)
        if let timeout = arguments.requestTimeout { requestTimeout = timeout }
        if let count = arguments.readsAtOnce { readsAtOnce = count }
        if let count = arguments.writesAtOnce { writesAtOnce = count }
        if let shares = arguments.sharesFairly { sharesFairly = shares }
        if let allows = arguments.allowsAnonymous { authentication.anonymous = AnonymousAccess(isEnabled: allows) }
        try apply(arguments.access)
        if arguments.allowsAnonymous != nil, authentication.configuration?.decidesOnAnonymous == true {
            throw Fault(
                .invalid,
                "anonymous-auth cannot be set when the file of authentication-config says who is anonymous")
        }
    }

    private mutating func apply(_ serving: ServingArguments) throws(Fault) {
        if !serving.allowedOrigins.isEmpty {
            do throws(RegularExpressionError) {
                crossOrigin = try CrossOrigin(serving.allowedOrigins)
            } catch {
                throw Fault(.invalid, "--kube-apiserver-arg: cors-allowed-origins: \(error)")
            }
        }
        if let shortest = serving.shortestWatch { shortestWatch = shortest }
        if let lifetime = serving.eventLifetime { eventLifetime = lifetime }
        if let seconds = serving.notReadySeconds { admission.notReadySeconds = seconds }
        if let seconds = serving.unreachableSeconds { admission.unreachableSeconds = seconds }
        if !serving.kubeletAddressTypes.isEmpty {
            kubeletConnection?.preferredAddressTypes = serving.kubeletAddressTypes
        }
    }

    private mutating func apply(_ listener: ListenerArguments) throws(Fault) {
        if let file = listener.clientAuthorityFile {
            clientAuthorities = try Self.reading(file) { text throws(Fault) in
                try Certificate.all(pem: Array(text.utf8))
            }
            guard !clientAuthorities.isEmpty else { throw Fault(.invalid, "\(file) holds no certificate") }
        }
        if let file = listener.kubeletAuthorityFile {
            let authorities = try Files.read(file)
            kubeletConnection?.authoritiesPEM = authorities
        }
        if let file = listener.signingKeyFile {
            // What it signs must be believed as well.
            let key = try Self.reading(file) { text throws(Fault) in try PrivateKey(pem: text.utf8) }
            serviceAccountKeys.insert(key, at: 0)
        }
        transportSecurity = listener.transportSecurity
        livezGrace = listener.livezGrace
        tellsEndpoints = listener.tellsEndpoints
        externalHostname = listener.externalHostname
    }

    private mutating func applyServiceAccounts(_ arguments: APIServerArguments) throws(Fault) {
        serviceAccounts.issuers = arguments.issuers
        serviceAccounts.audiences = arguments.audiences
        serviceAccounts.keysURL = arguments.keysURL
        serviceAccounts.maximumLifetime = arguments.longestToken
        if let extends = arguments.extendsTokens { serviceAccounts.extendsLifetime = extends }
        for file in arguments.serviceAccountKeyFiles {
            serviceAccounts.verifyingKeys += try Self.reading(file) { text throws(Fault) in
                if let privateKeys = try? PrivateKey.all(pem: text.utf8), !privateKeys.isEmpty {
                    return privateKeys.map(\.publicKey)
                }
                return [try PublicKey(pem: text.utf8)]
            }
        }
    }

    /// As k3s has it: nodes are held to what is their own, unless the flags name other plug-ins. Files that the
    /// configuration names without a folder are beside it.
    private static func admission(_ arguments: APIServerArguments) throws(Fault) -> AdmissionOptions {
        let named = arguments.admissionPlugins
        var enabled = named.isEmpty ? ["NodeRestriction"] : named
        if named.isEmpty { enabled.removeAll { arguments.disabledAdmissionPlugins.contains($0) } }
        guard let file = arguments.admissionConfigFile else {
            return try AdmissionOptions(enable: enabled, disable: arguments.disabledAdmissionPlugins) {
                path throws(Fault) in try Files.readText(path)
            }
        }
        return try reading(file) { text throws(Fault) in
            try AdmissionOptions(
                enable: enabled, disable: arguments.disabledAdmissionPlugins, configuration: text
            ) { path throws(Fault) in
                try Files.readText(path.hasPrefix("/") ? path : Path.join(Path.parent(of: file), path))
            }
        }
    }

    /// As k3s has it: its own authority vouches for `system:auth-proxy`, unless the flags name others.
    private static func frontProxy(
        _ arguments: APIServerArguments, _ credentials: ServerCredentials
    ) throws(Fault) -> FrontProxyOptions {
        var options: FrontProxyOptions
        if let file = arguments.frontProxyAuthorityFile {
            let authorities = try reading(file) { text throws(Fault) in try Certificate.all(pem: Array(text.utf8)) }
            options = FrontProxyOptions(authorities: authorities, allowedNames: arguments.frontProxyNames)
        } else {
            let names = arguments.frontProxyNames
            options = FrontProxyOptions(
                authorities: credentials[Authority.requestHeader].chain,
                allowedNames: names.isEmpty ? ["system:auth-proxy"] : names)
        }
        func take(_ given: [String], _ headers: inout [String]) {
            if !given.isEmpty { headers = given }
        }
        take(arguments.frontProxyUserHeaders, &options.userHeaders)
        take(arguments.frontProxyUIDHeaders, &options.uidHeaders)
        take(arguments.frontProxyGroupHeaders, &options.groupHeaders)
        take(arguments.frontProxyExtraPrefixes, &options.extraPrefixes)
        return options
    }

    /// Makes something of a flag's value; faults name the flag.
    static func naming<Result>(_ flag: String, _ make: () throws(Fault) -> Result) throws(Fault) -> Result {
        do throws(Fault) {
            return try make()
        } catch {
            throw Fault(error.code, "--\(flag): \(error.summary)")
        }
    }

    /// Makes something of a file's text; faults name the file.
    static func reading<Result>(
        _ file: String, _ make: (String) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        let text = try Files.readText(file)
        do throws(Fault) {
            return try make(text)
        } catch {
            throw Fault(error.code, "\(file): \(error.summary)", remedy: error.remedy, cause: error.cause)
        }
    }
}

extension ServingArguments {
    /// What those who connect are held to.
    func requirements() throws(Fault) -> TLSRequirements {
        try APIServerOptions.naming("kube-apiserver-arg") { () throws(Fault) in
            try TLSRequirements(minimumVersion: minimumTLSVersion, cipherSuites: cipherSuites)
        }
    }
}
