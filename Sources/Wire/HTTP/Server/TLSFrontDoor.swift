import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// A connection until it is known what is spoken on it: reads the name that the client asks for, picks the
/// certificate, waits for the end of the handshake, and puts in the protocol that was agreed on.
final class TLSFrontDoor: ChannelInboundHandler, RemovableChannelHandler, HTTPServerMember {
    typealias InboundIn = ByteBuffer

    /// What the handshake tells before it is over.
    private struct Peer {
        var serverName: String?
        var certificates: [[UInt8]] = []
    }

    private let server: HTTPServerLoop
    private var peer = Peer()
    private var context: ChannelHandlerContext?
    private var isAgreed = false
    private(set) var deadline: NIODeadline?

    private init(server: HTTPServerLoop) { self.server = server }

    /// Puts the front door into a connection that was just accepted.
    static func install(
        _ server: HTTPServerLoop, _ certificates: any CertificateSource, on channel: any Channel
    ) throws {
        let door = TLSFrontDoor(server: server)
        let bound = NIOLoopBound(door, eventLoop: channel.eventLoop)
        let hello = ByteToMessageHandler(
            SNIHandler { result in
                channel.eventLoop.makeCompletedFuture {
                    try bound.value.startTLS(result, certificates, on: channel)
                }
            })
        try channel.pipeline.syncOperations.addHandlers([PlainHTTPRefusal(), hello, door])
    }

    private func startTLS(_ result: SNIResult, _ certificates: any CertificateSource, on channel: any Channel)
        throws
    {
        if case .hostname(let name) = result { peer.serverName = name }
        guard let identity = certificates.identity(for: peer.serverName) else {
            channel.close(promise: nil)
            return
        }
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        let tls = NIOSSLServerHandler(context: identity.server) { chain, promise in
            bound.value.peer.certificates = chain.compactMap { try? $0.toDERBytes() }
            promise.succeed(.certificateVerified)
        }
        try channel.pipeline.syncOperations.addHandler(tls, position: .before(self))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let moment = NIODeadline.now() + TimeAmount(server.limits.headerTimeout)
        deadline = moment
        server.add(self)
        server.note(moment)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        server.remove(self)
        if !isAgreed, !server.isStopping { server.handler.handshakeFailed() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let negotiated) = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        do {
            try enter(context, negotiated)
        } catch {
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        server.log.debug("TLS handshake failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    private func enter(_ context: ChannelHandlerContext, _ negotiated: String?) throws {
        let channel = context.channel
        if peer.certificates.isEmpty {
            // A resumed session verifies nothing anew; it remembers the leaf.
            let tls = try channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
            if let leaf = tls.peerCertificate { peer.certificates = [try leaf.toDERBytes()] }
        }
        let info = HTTPConnectionInfo(
            remoteAddress: HTTPAddress(channel.remoteAddress),
            localAddress: HTTPAddress(channel.localAddress),
            isSecure: true, peerCertificates: peer.certificates, serverName: peer.serverName)
        if negotiated == "h2" {
            try HTTP2ServerConnection.install(server, info, on: channel)
        } else {
            try channel.pipeline.syncOperations.addHandler(HTTP1ServerConnection(server: server, info: info))
        }
        isAgreed = true
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    func deadlinePassed(_ now: NIODeadline) { context?.close(promise: nil) }

    /// A handshake has promised nothing yet.
    func stop() { context?.close(promise: nil) }

    func cutOff() { context?.close(promise: nil) }
}
