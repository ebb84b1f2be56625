import CLinux
import Glibc
public import Support

/// A connection to the bus on which the system's services speak (D-Bus Specification): methods are called, signals are
/// waited for, descriptors come along.
///
/// One task has it: what arrives is read while it waits for an answer or a signal, and signals that come meanwhile are
/// kept for it.
public struct SystemBus: Sendable {
    /// Where it is on every system that has one.
    public static let usualPath = "/run/dbus/system_bus_socket"

    /// Signals that nobody asked for are lost beyond this number, the oldest first.
    private static let mostKept = 64

    /// `DBUS_TIMEOUT_USE_DEFAULT`.
    public static let usualPatience = Duration.seconds(25)

    let socket: Descriptor
    private let patience: Duration
    private var lastSerial: UInt32 = 0
    private var received: [UInt8] = []
    private var descriptors: [Descriptor] = []
    private var kept: [BusSignal] = []

    // MARK: Beginning

    /// Joins the bus at a path. Fails with `notFound` where there is none. Any answer is waited for as long as `patience`
    /// says, by default as long as D-Bus' own library waits.
    public static func join(
        at path: String = usualPath, patience: Duration = usualPatience
    ) async throws(Fault) -> SystemBus {
        var bus = SystemBus(socket: try connect(path), patience: patience)
        let deadline = ContinuousClock.now + patience
        try bus.send([0] + Array("AUTH EXTERNAL \(Hex.encode(Array("\(geteuid())".utf8)))\r\n".utf8))
        try await bus.expect("OK ", by: deadline)
        try bus.send(Array("NEGOTIATE_UNIX_FD\r\n".utf8))
        try await bus.expect("AGREE_UNIX_FD", by: deadline)
        try bus.send(Array("BEGIN\r\n".utf8))
        _ = try await bus.callBus("Hello")
        return bus
    }

    private init(socket: Descriptor, patience: Duration) {
        self.socket = socket
        self.patience = patience
    }

    private static func connect(_ path: String) throws(Fault) -> Descriptor {
        try trying("cannot join the system bus at \(path)") { () throws(Errno) in
            let address = try SocketAddress(path)
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let socket = Descriptor(owning: try system { Glibc.socket(AF_UNIX, type, 0) })
            // Messages are shorter than what the kernel keeps for a peer that is busy.
            try socket.set(SOL_SOCKET, SO_SNDTIMEO, timeval(tv_sec: 10, tv_usec: 0))
            try address.connect(socket)
            return socket
        }
    }

    /// One line of the greeting, before there are messages.
    private mutating func expect(
        _ beginning: String, by deadline: ContinuousClock.Instant
    ) async throws(Fault) {
        while !received.contains(UInt8(ascii: "\n")) {
            guard received.count < 4096, try await receive(by: deadline) else {
                throw Fault(.unavailable, "the system bus does not answer")
            }
        }
        let line = received.prefix { $0 != UInt8(ascii: "\n") }
        received.removeFirst(line.count + 1)
        guard line.starts(with: beginning.utf8) else {
            throw Fault(.denied, "the system bus refuses us: \(String(decoding: line, as: UTF8.self))")
        }
    }

    // MARK: Speaking

    /// Calls a method and waits for its answer. An error is a fault whose summary begins with its name; `unavailable`
    /// when the connection or the task has ended, `timedOut` when no answer came in time: one that comes later is passed
    /// over.
    public mutating func call(_ call: BusCall) async throws(Fault) -> BusReply {
        var message = BusMessage(.call, serial: nextSerial())
        (message.destination, message.path) = (call.destination, call.path)
        (message.interface, message.member, message.values) = (call.interface, call.member, call.values)
        try send(message.bytes)
        let deadline = ContinuousClock.now + patience
        while true {
            guard let (answer, descriptors) = try await nextMessage(by: deadline) else {
                throw Fault(.unavailable, "nobody waits for \(call.member) any more")
            }
            if answer.kind == .signal {
                keep(answer)
            } else if answer.replySerial == message.serial {
                guard answer.kind == .error else {
                    return BusReply(values: answer.values, descriptors: descriptors)
                }
                throw Self.fault(answer, call)
            }
        }
    }

    /// Asks to be told the signals of an object's interface.
    public mutating func subscribe(_ path: String, _ interface: String, _ member: String) async throws(Fault) {
        let rule = "type='signal',path='\(path)',interface='\(interface)',member='\(member)'"
        _ = try await callBus("AddMatch", [.string(rule)])
    }

    /// The next signal; `nil` once the task is cancelled. Fails with `unavailable` when the bus is gone.
    public mutating func nextSignal() async throws(Fault) -> BusSignal? {
        while kept.isEmpty {
            guard let (message, _) = try await nextMessage() else { return nil }
            if message.kind == .signal { keep(message) }
        }
        return kept.removeFirst()
    }

    private mutating func callBus(_ member: String, _ values: [BusValue] = []) async throws(Fault) -> BusReply {
        let name = "org.freedesktop.DBus"
        return try await call(BusCall(name, "/org/freedesktop/DBus", name, member, values))
    }

    private static func fault(_ answer: BusMessage, _ call: BusCall) -> Fault {
        let name = answer.errorName
        let code: Fault.Code =
            switch name.split(separator: ".").last {
            case "ServiceUnknown", "NameHasNoOwner", "UnknownMethod", "UnknownObject", "UnknownInterface": .notFound
            case "AccessDenied", "AuthFailed": .denied
            case "NoReply", "Timeout", "TimedOut": .timedOut
            default: .failed
            }
        var why = ""
        if case .string(let text)? = answer.values.first { why = ": " + text }
        return Fault(code, "\(name)\(why) (\(call.interface).\(call.member))")
    }

    private mutating func keep(_ message: BusMessage) {
        if kept.count >= Self.mostKept { kept.removeFirst() }
        kept.append(
            BusSignal(
                path: message.path, interface: message.interface, member: message.member, values: message.values))
    }

    private mutating func nextSerial() -> UInt32 {
        lastSerial = lastSerial == .max ? 1 : lastSerial + 1
        return lastSerial
    }

    // MARK: Bytes

    /// `nil` once the task is cancelled. Without a deadline it is waited for ever.
    mutating func nextMessage(
        by deadline: ContinuousClock.Instant? = nil
    ) async throws(Fault) -> (BusMessage, [Descriptor])? {
        while true {
            if let length = try BusMessage.length(of: received[...]), received.count >= length {
                let message = try BusMessage(received.prefix(length))
                received.removeFirst(length)
                guard let message else { continue }
                // They come with the first byte of their message, and in its order.
                let own = descriptors.prefix(Int(message.descriptorCount))
                descriptors.removeFirst(own.count)
                return (message, Array(own))
            }
            guard try await receive(by: deadline) else { return nil }
        }
    }

    /// Waits for more; false once the task is cancelled.
    private mutating func receive(by deadline: ContinuousClock.Instant?) async throws(Fault) -> Bool {
        switch await readable(by: deadline) {
        case nil: throw Fault(.timedOut, "nobody answers on the system bus after \(patience)")
        case .cancelled: return false
        case .failed(let error): throw Fault(error, "cannot wait for the system bus")
        case .readable: break
        }
        let part: ReceivedPart
        do throws(Errno) { part = try ReceivedPart.receive(socket) } catch Errno(EAGAIN) { return true } catch {
            throw Fault(error, "cannot hear the system bus")
        }
        guard !part.bytes.isEmpty else { throw Fault(.unavailable, "the system bus has ended the connection") }
        received += part.bytes
        descriptors += part.descriptors
        return true
    }

    /// `nil` when it is too late.
    private func readable(by deadline: ContinuousClock.Instant?) async -> EventThread.Outcome? {
        guard let deadline else { return await EventThread.shared.readable(socket) }
        let first = await withTaskGroup(of: EventThread.Outcome?.self) { [socket] group in
            group.addTask { await EventThread.shared.readable(socket) }
            group.addTask {
                try? await Task.sleep(until: deadline)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        return first == nil && Task.isCancelled ? .cancelled : first
    }

    func send(_ bytes: [UInt8]) throws(Fault) {
        try trying("cannot speak to the system bus") { () throws(Errno) in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = try system {
                    rest.withUnsafeBytes { Glibc.send(socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                }
                rest = rest.dropFirst(count)
            }
        }
    }
}

/// Bytes of a socket, and the descriptors that came with them.
struct ReceivedPart: Sendable {
    /// As many as one message of the kernel brings.
    private static let mostDescriptors = 64

    var bytes: [UInt8]
    var descriptors: [Descriptor]

    /// What is there; empty at the end.
    static func receive(_ socket: Descriptor) throws(Errno) -> ReceivedPart {
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        var numbers = [Int32](repeating: -1, count: mostDescriptors)
        var count: Int32 = 0
        let length = try system {
            linux_receive_descriptors(
                socket.number, &bytes, bytes.count, &numbers, Int32(mostDescriptors), &count)
        }
        return ReceivedPart(
            bytes: Array(bytes.prefix(length)),
            descriptors: numbers.prefix(Int(count)).map { Descriptor(owning: $0) })
    }
}
