import NIOCore
import Synchronization

/// Channels that were wrapped for structured use (`NIOAsyncChannel`) and that nobody uses yet.
///
/// A channel is wrapped while it is being set up, so that nothing it receives is missed. When setting it up fails after
/// that, or nobody comes to take it, it has to be ended all the same: NIO stops the process when one is merely dropped.
final class UnusedChannels<Inbound: Sendable, Outbound: Sendable>: Sendable {
    typealias Wrapped = NIOAsyncChannel<Inbound, Outbound>
    private let channels = Mutex<[ObjectIdentifier: Wrapped]>([:])

    /// Wraps a channel, on its event loop, and keeps it until it is taken.
    func wrap(_ channel: any Channel, isHalfClosing: Bool = false) throws -> Wrapped {
        let wrapped = try Wrapped(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: isHalfClosing))
        channels.withLock { $0[ObjectIdentifier(channel)] = wrapped }
        return wrapped
    }

    /// Somebody uses it from now on.
    func take(_ wrapped: Wrapped) { channels.withLock { $0[ObjectIdentifier(wrapped.channel)] = nil } }

    /// Ends those that nobody took.
    func end() async {
        let left = channels.withLock { channels in
            defer { channels = [:] }
            return channels.values.map(\.self)
        }
        // What such a channel has to say about its end interests nobody.
        for channel in left { try? await channel.executeThenClose { _, _ in } }
    }

    /// Opens one channel by `open`, which is told how to wrap it.
    static func open(
        isHalfClosing: Bool = false,
        _ open: (@escaping @Sendable (any Channel) -> EventLoopFuture<Wrapped>) async throws -> Wrapped
    ) async throws -> Wrapped {
        let unused = UnusedChannels()
        do {
            let wrapped = try await open { channel in
                channel.eventLoop.makeCompletedFuture { try unused.wrap(channel, isHalfClosing: isHalfClosing) }
            }
            unused.take(wrapped)
            return wrapped
        } catch {
            await unused.end()
            throw error
        }
    }
}
