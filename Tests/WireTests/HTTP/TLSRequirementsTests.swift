import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Support
import Testing

@testable import Wire

@Suite struct TLSRequirementsTests {
    @Test(arguments: [
        (nil, [], .tlsv12, nil),
        ("VersionTLS10", [], .tlsv12, nil),
        ("VersionTLS12", ["TLS_RSA_WITH_AES_128_CBC_SHA"], .tlsv12, [.TLS_RSA_WITH_AES_128_CBC_SHA]),
        ("VersionTLS13", ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"], .tlsv13, [.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]),
        // What only TLS 1.3 has leaves nothing for 1.2.
        (nil, ["TLS_AES_128_GCM_SHA256"], .tlsv13, nil),
        // Neither do suites that nobody here speaks.
        (nil, ["TLS_RSA_WITH_3DES_EDE_CBC_SHA"], .tlsv13, nil),
        (
            nil, ["TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"], .tlsv12,
            [.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256]
        ),
    ] as [(String?, [String], TLSVersion, [NIOTLSCipher]?)])
    func `versions and suites are read`(
        version: String?, names: [String], minimum: TLSVersion, suites: [NIOTLSCipher]?
    ) throws {
        let requirements = try TLSRequirements(minimumVersion: version, cipherSuites: names)
        #expect(requirements.minimum == minimum && requirements.suites == suites)
    }

    @Test func `versions and suites that do not exist are refused`() {
        #expect(throws: Fault.self) { try TLSRequirements(minimumVersion: "1.3", cipherSuites: []) }
        #expect(throws: Fault.self) { try TLSRequirements(minimumVersion: nil, cipherSuites: ["TLS_NONE"]) }
    }

    @Test(arguments: [
        (nil, [], .tlsv12, true),
        ("VersionTLS13", [], .tlsv12, false),
        ("VersionTLS13", [], .tlsv13, true),
        (nil, ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"], .tlsv12, true),
        // The client of this test offers it not.
        (nil, ["TLS_RSA_WITH_AES_128_CBC_SHA"], .tlsv12, false),
        (nil, ["TLS_RSA_WITH_AES_128_CBC_SHA"], .tlsv13, true),
    ] as [(String?, [String], TLSVersion, Bool)])
    func `who cannot meet them is not served`(
        version: String?, names: [String], newest: TLSVersion, isServed: Bool
    ) async throws {
        let identity = try TLSIdentity(
            certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey,
            requiring: try TLSRequirements(minimumVersion: version, cipherSuites: names))
        let wasServed = try await withServer(certificates: identity) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            await Self.shakesHands(with: address, newest: newest)
        }
        #expect(wasServed == isServed)
    }

    private static func shakesHands(with address: HTTPAddress, newest: TLSVersion) async -> Bool {
        guard case .tcp(let host, let port) = address else { return false }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.maximumTLSVersion = newest
        configuration.cipherSuiteValues = [
            .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ]
        guard let context = try? NIOSSLContext(configuration: configuration) else { return false }
        let outcome = Latch<Bool>()
        let channel = try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandlers(tls, Outcome(outcome))
                }
            }.connect(host: host, port: port).get()
        guard let channel else { return false }
        let hasShaken = await outcome.value
        try? await channel.close()
        return hasShaken
    }

    /// Tells whether hands were shaken before the connection ended.
    private final class Outcome: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let outcome: Latch<Bool>

        init(_ outcome: Latch<Bool>) { self.outcome = outcome }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted = event as? TLSUserEvent { outcome.set(true) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelInactive(context: ChannelHandlerContext) { outcome.set(false) }
    }
}
