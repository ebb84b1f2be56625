import APIMachinery

// Several sources in one volume: no two may write the same file.
extension FieldChecks {
    mutating func projected(_ volume: Value, _ path: String) {
        fileMode(volume["defaultMode"], path + ".defaultMode")
        var files: Set<String> = []
        for (source, sourcePath) in volume["sources"].elements(path + ".sources") {
            for key in ["secret", "configMap"] {
                guard let value = source[key] else { continue }
                let (name, keyPath) = (value["name"].text, "\(sourcePath).\(key)")
                require(.string(name), keyPath + ".name")
                for (item, itemPath) in value["items"].elements(keyPath + ".items") {
                    keyFile(item, itemPath)
                    unshared(item["path"].text, blaming: name, path, &files)
                }
            }
            for file in source["downwardAPI"]["items"].items {
                downwardFile(file, sourcePath + ".downwardAPI")
                unshared(file["path"].text, blaming: file["path"].text, path, &files)
            }
            if let token = source["serviceAccountToken"] {
                accountToken(token, sourcePath + ".serviceAccountToken", path)
            }
            if let bundle = source["clusterTrustBundle"] {
                trustBundle(bundle, sourcePath + ".clusterTrustBundle")
                unshared(bundle["path"].text, blaming: bundle["path"].text, path, &files)
            }
            if let certificate = source["podCertificate"] {
                podCertificate(certificate, sourcePath + ".podCertificate")
            }
            if (source.fields?.count ?? 0) > 1 {
                forbid(sourcePath, "may not specify more than 1 volume type per source")
            }
        }
    }

    private mutating func unshared(_ file: String, blaming name: String, _ path: String, _ files: inout Set<String>) {
        guard !file.isEmpty, !files.insert(file).inserted else { return }
        invalid(path, .string(name), "conflicting duplicate paths")
    }

    /// Kubernetes says of a token's file that it is the volume's.
    private mutating func accountToken(_ token: Value, _ path: String, _ volumePath: String) {
        lifetime(token["expirationSeconds"] ?? 0, path + ".expirationSeconds")
        guard require(token["path"], volumePath + ".path") else { return }
        unreservedPath(token["path"].text, volumePath + ".path")
    }

    /// The lifetime of a token: ten minutes at least.
    mutating func lifetime(_ value: Value?, _ path: @autoclosure () -> String) {
        guard let seconds = value?.integer else { return }
        if seconds < 600 { invalid(path(), value, "may not specify a duration less than 10 minutes") }
        if seconds > 1 << 32 { invalid(path(), value, "may not specify a duration larger than 2^32 seconds") }
    }

    private mutating func trustBundle(_ bundle: Value, _ path: String) {
        switch (bundle["name"]?.string, bundle["signerName"]?.string) {
        case (_?, _?): invalid(path, bundle, "only one of name and signerName may be used")
        case (let name?, nil):
            if name.isEmpty { missing(path + ".name", "must be a valid object name") }
            for problem in Self.problems(inBundleName: name) {
                invalid(path + ".name", .string(name), "not a valid clustertrustbundlename: \(problem)")
            }
            if let selector = bundle["labelSelector"] {
                invalid(path + ".labelSelector", selector, "labelSelector must be unset if name is specified")
            }
        case (nil, let signer?):
            if signer.isEmpty { missing(path + ".signerName", "must be a valid signer name") }
            signerName(signer, path + ".signerName")
            selector(bundle["labelSelector"], path + ".labelSelector")
        case (nil, nil): missing(path, "either name or signerName must be specified")
        }
        require(bundle["path"], path + ".path")
        unreservedPath(bundle["path"].text, path + ".path")
    }

    /// A bundle's name is a subdomain, after its signer's name if it has one.
    private static func problems(inBundleName name: String) -> [String] {
        let own = name.lastIndex(of: ":").map { String(name[name.index(after: $0)...]) } ?? name
        return NameRule.dns1123Subdomain.problems(in: own)
    }

    private static let keyTypes = ["ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA3072", "RSA4096"]

    /// A key and certificate that the kubelet keeps fresh (KEP-4317).
    private mutating func podCertificate(_ certificate: Value, _ path: String) {
        signerName(certificate["signerName"].text, path + ".signerName")
        if require(certificate["keyType"], path + ".keyType") {
            oneOf(certificate["keyType"], Self.keyTypes, path + ".keyType")
        }
        let keys = ["credentialBundlePath", "keyPath", "certificateChainPath"].filter {
            !certificate[$0].text.isEmpty
        }
        for key in keys { unreservedPath(certificate[key].text, "\(path).\(key)") }
        if keys.isEmpty {
            missing(path, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath")
        }
    }
}
