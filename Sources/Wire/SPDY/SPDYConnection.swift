/// Speaks SPDY/3.1 on either side: many streams over one connection.
///
/// Pure: bytes go in and events come out, commands go in and bytes come out. It is not copied, since the
/// compression of headers has a memory. What `kubectl` and the kubelet say over it is known in `Streams`,
/// not here.
public struct SPDYConnection: ~Copyable {
    public enum Role: Hashable, Sendable { case client, server }

    /// Who keeps a fast sender from flooding a slow receiver.
    public enum FlowControl: Hashable, Sendable {
        /// The transport: whoever does not read makes the peer wait, all streams alike. The SPDY library of
        /// Kubernetes never opens a window and ignores ours, so with it there is no other way.
        case transport
        /// Windows of this many bytes for each stream and for the connection (SPDY/3.1, section 2.6.8).
        case windows(UInt32)
    }

    /// Every bound that the connection keeps against its peer.
    public struct Limits: Hashable, Sendable {
        /// Streams that the peer has open at a time; one more is refused.
        public var streams = 256
        /// The longest block of headers, expanded, in bytes. A longer one ends the connection.
        public var headerBytes = 16 << 10
        /// The longest control frame in bytes. A longer one ends the connection.
        public var controlFrameBytes = 32 << 10

        public init() {}
    }

    /// What the peer did. Streams are known by their ids.
    public enum Event: Hashable, Sendable {
        case opened(UInt32, SPDYHeaders)
        case replied(UInt32, SPDYHeaders)
        case headers(UInt32, SPDYHeaders)
        case data(UInt32, [UInt8])
        /// The peer sends no more on this stream.
        case ended(UInt32)
        /// The stream is no more, in both directions.
        case reset(UInt32, SPDYResetStatus)
        /// There is room to send again: on one stream, or on all when it is 0.
        case windowOpened(UInt32)
        case pong(UInt32)
        /// The peer takes no more streams. Those that it did not take were reset before this event.
        case goAway(SPDYGoAwayStatus)
        /// The peer broke the rules. What tells it is in the output; nothing comes after it.
        case violation(String)
    }

    /// What came of some received bytes: events in order, and bytes to send at once.
    public struct Received: Hashable, Sendable {
        public var events: [Event] = []
        public var output: [UInt8] = []
    }

    private struct Stream {
        var hasLocalEnded = false
        var hasRemoteEnded = false
        var sendWindow: Int
        var receiveWindow: Int
        var isOurs: Bool
    }

    private let role: Role
    private let flow: FlowControl
    private let limits: Limits
    private var deflater = SPDYDeflater()
    private var inflater = SPDYInflater()
    private var buffer: [UInt8] = []
    /// The data frame whose bytes are coming in.
    private var data: (id: UInt32, rest: Int, isFinal: Bool)?
    private var streams: [UInt32: Stream] = [:]
    private var nextID: UInt32
    private var nextPing: UInt32
    private var lastRemoteID: UInt32 = 0
    private var remoteCount = 0
    private var peerInitialWindow = 64 << 10
    private var peerStreamLimit = Int.max
    private var sessionSendWindow = 64 << 10
    private var sessionReceiveWindow: Int
    private var isGoingAway = false
    private var hasEnded = false

    public init(role: Role, flow: FlowControl = .transport, limits: Limits = Limits()) {
        self.role = role
        self.flow = flow
        self.limits = limits
        nextID = role == .client ? 1 : 2
        nextPing = nextID
        sessionReceiveWindow = 64 << 10
    }

    /// What is sent before anything else: nothing, or the size of our windows.
    public mutating func begin() -> [UInt8] {
        guard case .windows(let size) = flow else { return [] }
        var output = SPDYControlFrame.settings([SPDYControlFrame.initialWindowSetting: size]).encode()
        // The connection's window can only grow (SPDY/3.1 gives it 64 KiB).
        if size > 64 << 10 {
            output += SPDYControlFrame.windowUpdate(id: 0, delta: size - 64 << 10).encode()
            sessionReceiveWindow = Int(size)
        }
        return output
    }

    /// Whether the stream is open in at least one direction.
    public func isOpen(_ id: UInt32) -> Bool { streams[id] != nil }
}

// MARK: - Commands

extension SPDYConnection {
    /// Opens a stream. `nil` when there are no more ids, the peer said goodbye or allows no more streams.
    public mutating func open(_ headers: SPDYHeaders, isFinal: Bool = false) -> (id: UInt32, output: [UInt8])?
    {
        let ours = streams.values.reduce(0) { $0 + ($1.isOurs ? 1 : 0) }
        guard !isGoingAway, !hasEnded, nextID < 0x7FFF_FFFF, ours < peerStreamLimit else { return nil }
        let id = nextID
        nextID += 2
        streams[id] = makeStream(isOurs: true)
        streams[id]?.hasLocalEnded = isFinal
        let block = deflater.compress(headers.encode())
        return (
            id,
            SPDYControlFrame.synStream(id: id, isFinal: isFinal, isUnidirectional: false, block: block)
                .encode()
        )
    }

    /// Accepts a stream that the peer opened.
    public mutating func reply(_ id: UInt32, _ headers: SPDYHeaders = [:]) -> [UInt8] {
        guard streams[id] != nil else { return [] }
        return SPDYControlFrame.synReply(id: id, isFinal: false, block: deflater.compress(headers.encode()))
            .encode()
    }

    /// Sends as many of the bytes as the windows have room for, and says how many; `nil` when the stream
    /// takes none any more.
    public mutating func send(_ id: UInt32, _ bytes: ArraySlice<UInt8>) -> (count: Int, output: [UInt8])? {
        guard let stream = streams[id], !stream.hasLocalEnded else { return nil }
        var count = min(bytes.count, 32 << 10)
        if case .windows = flow {
            count = max(0, min(count, stream.sendWindow, sessionSendWindow))
            streams[id]?.sendWindow -= count
            sessionSendWindow -= count
        }
        guard count > 0 else { return (0, []) }
        return (count, SPDYControlFrame.dataHead(id: id, isFinal: false, count: count) + bytes.prefix(count))
    }

    /// Ends our direction of a stream.
    public mutating func end(_ id: UInt32) -> [UInt8] {
        guard streams[id]?.hasLocalEnded == false else { return [] }
        streams[id]?.hasLocalEnded = true
        removeIfDone(id)
        return SPDYControlFrame.dataHead(id: id, isFinal: true, count: 0)
    }

    /// Ends a stream in both directions.
    public mutating func reset(_ id: UInt32, _ status: SPDYResetStatus = .cancel) -> [UInt8] {
        guard streams[id] != nil else { return [] }
        remove(id)
        return SPDYControlFrame.resetStream(id: id, status).encode()
    }

    /// Bytes of a stream were used up, so that the peer may send as many more.
    public mutating func consumed(_ id: UInt32, _ count: Int) -> [UInt8] {
        guard case .windows = flow, count > 0 else { return [] }
        sessionReceiveWindow += count
        var output = SPDYControlFrame.windowUpdate(id: 0, delta: UInt32(count)).encode()
        if let stream = streams[id], !stream.hasRemoteEnded {
            streams[id]?.receiveWindow += count
            output += SPDYControlFrame.windowUpdate(id: id, delta: UInt32(count)).encode()
        }
        return output
    }

    /// Asks for a sign of life.
    public mutating func ping() -> [UInt8] {
        defer { nextPing = nextPing > 0x7FFF_FFF0 ? (role == .client ? 1 : 2) : nextPing + 2 }
        return SPDYControlFrame.ping(nextPing).encode()
    }

    /// Says that no more streams are taken. Those that are open go on.
    public mutating func goAway(_ status: SPDYGoAwayStatus = .ok) -> [UInt8] {
        guard !isGoingAway else { return [] }
        isGoingAway = true
        return SPDYControlFrame.goAway(last: lastRemoteID, status).encode()
    }
}

// MARK: - Receiving

extension SPDYConnection {
    /// Takes bytes as they come. Data is passed on in the pieces it comes in; of a control frame at most
    /// ``Limits/controlFrameBytes`` are kept. After a violation everything is ignored.
    public mutating func receive(_ bytes: some Collection<UInt8>) -> Received {
        var received = Received()
        guard !hasEnded else { return received }
        buffer += bytes
        var start = 0
        while !hasEnded, step(&start, &received) {}
        if hasEnded { buffer = [] } else { buffer.removeSubrange(..<start) }
        return received
    }

    /// Handles what is at `start`; false when more bytes are needed.
    private mutating func step(_ start: inout Int, _ received: inout Received) -> Bool {
        if let current = data {
            let piece = buffer[start..<min(buffer.count, start + current.rest)]
            guard !piece.isEmpty || current.rest == 0 else { return false }
            start += piece.count
            data = (current.id, current.rest - piece.count, current.isFinal)
            handleData(current.id, piece, isLast: current.isFinal && piece.count == current.rest, &received)
            if piece.count == current.rest { data = nil }
            return true
        }
        guard buffer.count - start >= 8 else { return false }
        let head = buffer[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let (flags, length) = (UInt8(head >> 24 & 0xFF), Int(head & 0xFF_FFFF))
        guard head >> 63 == 1 else {
            start += 8
            let id = UInt32(head >> 32)
            data = (id, length, flags & 1 != 0)
            if id == 0 || id > (isTheirs(id) ? lastRemoteID : nextID - 1) {
                received.output += SPDYControlFrame.resetStream(id: id, .invalidStream).encode()
            }
            return true
        }
        guard head >> 48 & 0x7FFF == UInt64(SPDYControlFrame.version) else {
            violate("a version that is not 3", &received)
            return false
        }
        guard length <= limits.controlFrameBytes else {
            violate("a control frame of \(length) bytes", &received)
            return false
        }
        guard buffer.count - start >= 8 + length else { return false }
        let payload = Array(buffer[start + 8..<start + 8 + length])
        start += 8 + length
        guard let frame = SPDYControlFrame(type: UInt16(head >> 32 & 0xFFFF), flags: flags, payload: payload)
        else {
            violate("a malformed frame", &received)
            return false
        }
        handle(frame, &received)
        return true
    }

    private mutating func handle(_ frame: SPDYControlFrame, _ received: inout Received) {
        switch frame {
        case .synStream(let id, let isFinal, let isUnidirectional, let block):
            guard let headers = expand(block, &received) else { return }
            accept(id, headers, isFinal: isFinal, isUnidirectional: isUnidirectional, &received)
        case .synReply(let id, let isFinal, let block):
            guard let headers = expand(block, &received), streams[id]?.isOurs == true else { return }
            received.events.append(.replied(id, headers))
            if isFinal { endRemote(id, &received) }
        case .headers(let id, let isFinal, let block):
            guard let headers = expand(block, &received), streams[id] != nil else { return }
            received.events.append(.headers(id, headers))
            if isFinal { endRemote(id, &received) }
        case .resetStream(let id, let status):
            guard streams[id] != nil else { return }
            remove(id)
            received.events.append(.reset(id, status))
        case .settings(let settings): apply(settings, &received)
        case .ping(let id):
            if isTheirs(id) {
                received.output += SPDYControlFrame.ping(id).encode()
            } else {
                received.events.append(.pong(id))
            }
        case .goAway(let last, let status):
            isGoingAway = true
            for id in streams.keys.sorted() where streams[id]?.isOurs == true && id > last {
                remove(id)
                received.events.append(.reset(id, .refusedStream))
            }
            received.events.append(.goAway(status))
        case .windowUpdate(let id, let delta): openWindow(id, Int(delta), &received)
        case .unknown: break
        }
    }

    private mutating func accept(
        _ id: UInt32, _ headers: SPDYHeaders, isFinal: Bool, isUnidirectional: Bool,
        _ received: inout Received
    ) {
        guard id > lastRemoteID, isTheirs(id) else {
            violate("stream id \(id) after \(lastRemoteID)", &received)
            return
        }
        lastRemoteID = id
        guard remoteCount < limits.streams, !isGoingAway else {
            received.output += SPDYControlFrame.resetStream(id: id, .refusedStream).encode()
            return
        }
        remoteCount += 1
        streams[id] = makeStream(isOurs: false)
        streams[id]?.hasLocalEnded = isUnidirectional
        received.events.append(.opened(id, headers))
        if isFinal { endRemote(id, &received) }
    }

    private mutating func handleData(
        _ id: UInt32, _ piece: ArraySlice<UInt8>, isLast: Bool, _ received: inout Received
    ) {
        if case .windows = flow {
            sessionReceiveWindow -= piece.count
            guard sessionReceiveWindow >= 0 else {
                return violate("more data than the window allows", &received)
            }
        }
        guard let stream = streams[id], !stream.hasRemoteEnded else {
            // A stream that was reset here may have data under way: it is dropped, and still counts.
            received.output += consumed(id, piece.count)
            return
        }
        if case .windows = flow {
            guard stream.receiveWindow >= piece.count else {
                received.output += reset(id, .flowControlError) + consumed(id, piece.count)
                received.events.append(.reset(id, .flowControlError))
                return
            }
            streams[id]?.receiveWindow -= piece.count
        }
        if !piece.isEmpty { received.events.append(.data(id, Array(piece))) }
        if isLast { endRemote(id, &received) }
    }

    private mutating func apply(_ settings: [UInt32: UInt32], _ received: inout Received) {
        if let limit = settings[SPDYControlFrame.maximumStreamsSetting] { peerStreamLimit = Int(limit) }
        guard case .windows = flow, let size = settings[SPDYControlFrame.initialWindowSetting] else { return }
        guard size <= 0x7FFF_FFFF else { return violate("a window of \(size) bytes", &received) }
        // Open streams grow or shrink by the difference, even below zero (SPDY/3.1, section 2.6.8).
        let difference = Int(size) - peerInitialWindow
        peerInitialWindow = Int(size)
        for id in streams.keys { streams[id]?.sendWindow += difference }
        if difference > 0 { received.events.append(.windowOpened(0)) }
    }

    private mutating func openWindow(_ id: UInt32, _ delta: Int, _ received: inout Received) {
        guard case .windows = flow else { return }
        if id == 0 {
            sessionSendWindow += delta
            guard sessionSendWindow <= 0x7FFF_FFFF else {
                return violate("a window that overflows", &received)
            }
            received.events.append(.windowOpened(0))
        } else if let stream = streams[id] {
            guard stream.sendWindow + delta <= 0x7FFF_FFFF else {
                received.output += reset(id, .flowControlError)
                received.events.append(.reset(id, .flowControlError))
                return
            }
            streams[id]?.sendWindow += delta
            received.events.append(.windowOpened(id))
        }
    }

    /// Every block passes through here, wanted or not: each is needed to read the next.
    private mutating func expand(_ block: [UInt8], _ received: inout Received) -> SPDYHeaders? {
        do {
            let plain = try inflater.expand(block, limit: limits.headerBytes)
            if let headers = SPDYHeaders(decoding: plain) { return headers }
            violate("malformed headers", &received)
        } catch .tooLarge {
            violate("headers of more than \(limits.headerBytes) bytes", &received)
        } catch {
            violate("headers that do not expand", &received)
        }
        return nil
    }

    private mutating func violate(_ what: String, _ received: inout Received) {
        received.output += SPDYControlFrame.goAway(last: lastRemoteID, .protocolError).encode()
        received.events.append(.violation(what))
        hasEnded = true
    }

    private mutating func endRemote(_ id: UInt32, _ received: inout Received) {
        guard streams[id]?.hasRemoteEnded == false else { return }
        streams[id]?.hasRemoteEnded = true
        received.events.append(.ended(id))
        removeIfDone(id)
    }

    private mutating func removeIfDone(_ id: UInt32) {
        if let stream = streams[id], stream.hasLocalEnded, stream.hasRemoteEnded { remove(id) }
    }

    private mutating func remove(_ id: UInt32) {
        if streams.removeValue(forKey: id)?.isOurs == false { remoteCount -= 1 }
    }

    /// Clients use odd ids and servers even ones, for streams and for pings.
    private func isTheirs(_ id: UInt32) -> Bool { (id % 2 == 1) == (role == .server) }

    private func makeStream(isOurs: Bool) -> Stream {
        let receiveWindow = if case .windows(let size) = flow { Int(size) } else { 0 }
        return Stream(sendWindow: peerInitialWindow, receiveWindow: receiveWindow, isOurs: isOurs)
    }
}
