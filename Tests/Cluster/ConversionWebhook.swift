import Host
import PKI
import Support

/// `Programs/conversion_webhook.py`, running, and the definition of the kind that it converts.
struct ConversionWebhook: Sendable {
    private static let programs = Path.join(Path.parent(of: #filePath), "Programs")

    private let process: ChildProcess
    /// `Programs/certificates.yaml`, with this webhook in it.
    let definition: String

    /// Starts the webhook, with credentials of its own in `folder`.
    static func start(in folder: String) async throws -> ConversionWebhook {
        let authority = try credentials(folder)
        let portFile = folder + "/webhook.port"
        var command = Command(
            "/usr/bin/python3",
            [
                "-B", Path.join(programs, "conversion_webhook.py"), folder + "/webhook.crt", folder + "/webhook.key",
                portFile,
            ])
        command.parentDeathSignal = .kill
        let process = try await command.start()
        let deadline = ContinuousClock.now + .seconds(30)
        while !Files.exists(portFile) {
            guard ContinuousClock.now < deadline, process.identity != nil else {
                throw Unready("the webhook does not start")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        let port = String(decoding: try Files.read(portFile), as: UTF8.self)
        let definition = String(decoding: try Files.read(Path.join(programs, "certificates.yaml")), as: UTF8.self)
            .replacing("WEBHOOK, ", with: "\"https://127.0.0.1:\(port)/convert\", ")
            .replacing("AUTHORITY}", with: "\(Base64.encode(authority))}")
        return ConversionWebhook(process: process, definition: definition)
    }

    func stop() async throws {
        try process.send(.kill)
        _ = try await process.wait()
    }

    /// The authority to trust, as PEM.
    private static func credentials(_ folder: String) throws -> [UInt8] {
        let (now, day) = (Timestamp.now.seconds, Int64(86_400))
        let (start, end) = (Timestamp(seconds: now - day), Timestamp(seconds: now + day))
        let authority = try CertificateAuthority(
            selfSigned: CertificateTemplate(
                subject: DistinguishedName(commonName: "webhook-ca"), keyUsage: [.certificateSigning],
                isAuthority: true, notBefore: start, notAfter: end), key: try PrivateKey.generateP256())
        let key = try PrivateKey.generateP256()
        let leaf = try authority.issue(
            CertificateTemplate(
                subject: DistinguishedName(commonName: "webhook"),
                subjectAlternativeNames: [SubjectAlternativeName("127.0.0.1")], extendedKeyUsages: [.serverAuth],
                notBefore: start, notAfter: end), for: key.publicKey)
        try Files.write(leaf.pem, to: folder + "/webhook.crt")
        try Files.write(key.pem, to: folder + "/webhook.key")
        return authority.pem
    }
}
