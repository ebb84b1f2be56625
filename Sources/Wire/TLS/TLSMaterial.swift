internal import NIOCore
internal import NIOSSL
internal import Support

/// Turns PEM text into what the TLS library works with, and its errors into faults.
enum TLSMaterial {
    static func certificates(_ pem: [UInt8]) throws(Fault) -> [NIOSSLCertificate] {
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(pem)
            guard chain.isEmpty else { return chain }
        } catch {
            throw Fault(.invalid, "the certificate is not readable as PEM", cause: error)
        }
        throw Fault(.invalid, "the certificate file holds no certificate")
    }

    static func privateKey(_ pem: [UInt8]) throws(Fault) -> NIOSSLPrivateKey {
        do {
            return try NIOSSLPrivateKey(bytes: pem, format: .pem)
        } catch {
            throw Fault(.invalid, "the private key is not readable as PEM", cause: error)
        }
    }

    static func context(_ configuration: TLSConfiguration) throws(Fault) -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Fault(.invalid, "the certificate and the private key cannot be used together", cause: error)
        }
    }
}
