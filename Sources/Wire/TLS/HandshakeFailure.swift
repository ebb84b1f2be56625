internal import NIOCore
internal import NIOSSL
internal import Support

/// Why TLS was not agreed on with a server. Made of what the library says, of the server's certificate and of the first
/// bytes that came; told in Go's words.
enum HandshakeFailure {
    /// Reasons of the library that are looked at; alerts of the other side follow from 1000 on (RFC 8446, section 6).
    private static let verifyFailed = 125
    private static let wrongVersion = 247
    private static let firstAlert = 1000

    /// `nil` when the error is not about TLS.
    static func words(
        _ error: any Error, _ certificate: PeerCertificate?, host: String, firstBytes: [UInt8], now: Timestamp
    ) -> String? {
        switch error {
        case is NIOSSLExtraError, NIOSSLError.unableToValidateCertificate, NIOSSLError.noCertificateToValidate:
            untrusted(certificate, host, now)
        case NIOSSLError.handshakeFailed(let reason):
            words(library: "\(reason)", certificate, host: host, firstBytes: firstBytes, now: now)
        default: nil
        }
    }

    /// The same of the library's own words.
    static func words(
        library reason: String, _ certificate: PeerCertificate?, host: String, firstBytes: [UInt8], now: Timestamp
    ) -> String {
        guard let number = number(in: reason) else { return reason.contains("EOF") ? "EOF" : "tls: handshake failure" }
        if number == verifyFailed { return untrusted(certificate, host, now) }
        if number >= firstAlert {
            let alert = number - firstAlert
            return "remote error: tls: " + (alerts[alert] ?? "alert(\(alert))")
        }
        guard number == wrongVersion || !firstBytes.starts(with: [handshakeRecord]) else {
            return "tls: handshake failure"
        }
        return firstBytes.starts(with: "HTTP/".utf8)
            ? "http: server gave HTTP response to HTTPS client" : "tls: first record does not look like a TLS handshake"
    }

    private static let handshakeRecord: UInt8 = 22

    private static func untrusted(_ certificate: PeerCertificate?, _ host: String, _ now: Timestamp) -> String {
        let problem = certificate?.problem(host: host, now: now) ?? "certificate signed by unknown authority"
        return "tls: failed to verify certificate: x509: " + problem
    }

    /// The reason in what the library says, as 125 in `error:1000007d:SSL routines:...`: its last twelve bits.
    private static func number(in text: String) -> Int? {
        guard let mark = text.firstRange(of: "error:") else { return nil }
        return Int(text[mark.upperBound...].prefix { $0.isHexDigit }, radix: 16).map { $0 & 0xFFF }
    }

    /// Go's names of alerts.
    private static let alerts = [
        0: "close notify", 10: "unexpected message", 20: "bad record MAC", 21: "decryption failed", 22: "record overflow",
        30: "decompression failure", 40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate",
        44: "revoked certificate", 45: "expired certificate", 46: "unknown certificate", 47: "illegal parameter",
        48: "unknown certificate authority", 49: "access denied", 50: "error decoding message",
        51: "error decrypting message", 60: "export restriction", 70: "protocol version not supported",
        71: "insufficient security level", 80: "internal error", 86: "inappropriate fallback", 90: "user canceled",
        100: "no renegotiation", 109: "missing extension", 110: "unsupported extension",
        111: "certificate unobtainable", 112: "unrecognized name", 113: "bad certificate status response",
        114: "bad certificate hash value", 115: "unknown PSK identity", 116: "certificate required",
        120: "no application protocol",
    ]
}

/// Keeps the first bytes that come on a connection, and goes.
final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private(set) var bytes: [UInt8] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes = Array(unwrapInboundIn(data).readableBytesView.prefix(8))
        context.fireChannelRead(data)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
