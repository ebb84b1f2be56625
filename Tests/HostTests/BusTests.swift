import Glibc
import HostTestSupport
import Support
import Synchronization
import Testing

@testable import Host

@Suite struct BusCodingTests {
    /// As `dbus-monitor --binary` shows the first message of every program.
    private static let hello: [UInt8] =
        [0x6C, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0x6D, 0, 0, 0]
        + [1, 1, 0x6F, 0, 0x15, 0, 0, 0] + Array("/org/freedesktop/DBus".utf8) + [0, 0, 0]
        + [2, 1, 0x73, 0, 0x14, 0, 0, 0] + Array("org.freedesktop.DBus".utf8) + [0, 0, 0, 0]
        + [3, 1, 0x73, 0, 0x05, 0, 0, 0] + Array("Hello".utf8) + [0, 0, 0]
        + [6, 1, 0x73, 0, 0x14, 0, 0, 0] + Array("org.freedesktop.DBus".utf8) + [0, 0, 0, 0]

    private var message: BusMessage {
        var message = BusMessage(.call, serial: 1)
        (message.path, message.interface) = ("/org/freedesktop/DBus", "org.freedesktop.DBus")
        (message.member, message.destination) = ("Hello", "org.freedesktop.DBus")
        return message
    }

    @Test func `a message has the bytes that the specification gives it`() throws {
        #expect(message.bytes == Self.hello)
        #expect(try BusMessage.length(of: message.bytes[...]) == message.bytes.count)
        #expect(try BusMessage(message.bytes[...]) == message)
    }

    @Test(arguments: [
        BusValue.byte(7), .boolean(true), .int16(-2), .uint16(9), .int32(.min), .uint32(.max), .int64(.min),
        .uint64(.max), .double(-0.5), .string("ä"), .path("/a"), .signature("a{sv}"), .descriptor(3),
        .array(of: "t", []), .array(of: "y", [.byte(1), .byte(2)]),
        .array(of: "{sv}", [.entry(.string("k"), .variant(.array(of: "(qs)", [.structure([.uint16(1), .string("x")])])))]),
        .structure([.byte(1), .uint64(2), .variant(.structure([.string("")]))]),
    ])
    func `a value is read as it was written, at any place`(value: BusValue) throws {
        for before in 0..<8 {
            var message = BusMessage(.signal, serial: 5)
            message.path = "/p"
            message.values = [BusValue](repeating: .byte(1), count: before) + [value, .uint32(5)]
            #expect(try BusMessage(message.bytes[...]) == message)
        }
    }

    @Test func `the big end may come first`() throws {
        let bytes: [UInt8] = [0x42, 2, 0, 1, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, 15]
            + [5, 1, 0x75, 0, 0, 0, 0, 8] + [8, 1, 0x67, 0, 1, 0x75, 0] + [0] + [0, 0, 1, 2]
        let message = try #require(try BusMessage(bytes[...]))
        #expect(message.kind == .reply && message.serial == 9 && message.replySerial == 8)
        #expect(message.values == [.uint32(258)])
        #expect(try BusMessage.length(of: bytes[...]) == bytes.count)
    }

    @Test func `whatever the bytes are, reading them ends`() {
        var message = message
        message.values = [.array(of: "{sv}", [.entry(.string("k"), .variant(.string("v")))]), .string("text")]
        let bytes = message.bytes
        for place in bytes.indices {
            for wrong: UInt8 in [0, 1, 0x28, 0x61, 0x76, 0xFF] {
                var changed = bytes
                changed[place] = wrong
                _ = try? BusMessage(changed[...])
                _ = try? BusMessage.length(of: changed[...])
                _ = try? BusMessage(changed.prefix(place))
            }
        }
        // Variants in variants, without an end.
        var deep = BusReader((0..<500).flatMap { _ in [1, 0x76, 0] as [UInt8] }[...])
        #expect(throws: Fault.self) { try deep.read("v") }
        var arrays = BusReader([UInt8](repeating: 0, count: 4096)[...])
        #expect(throws: Fault.self) { try arrays.read(String(repeating: "a", count: 200)) }
        #expect(throws: Fault.self) {
            try BusMessage.length(of: [0x6C, 1, 0, 1, 255, 255, 255, 127, 1, 0, 0, 0, 0, 0, 0, 0])
        }
    }
}

/// On a real bus of its own.
@Suite(.timeLimit(.minutes(1))) struct SystemBusTests {
    @Test func `methods are called, and signals heard`() async throws {
        try await TestBus.with { path in
            var bus = try await SystemBus.join(at: path)
            let name = "org.freedesktop.DBus"
            try await bus.subscribe("/org/freedesktop/DBus", name, "NameOwnerChanged")
            var other = try await SystemBus.join(at: path)
            let call = BusCall(name, "/org/freedesktop/DBus", name, "RequestName", [.string("org.k3s.test"), .uint32(0)])
            #expect(try await other.call(call).values == [.uint32(1)])
            var owners: [BusValue] = []
            while !owners.contains(.string("org.k3s.test")) {
                let signal = try #require(try await bus.nextSignal())
                // It is told of its own names, too.
                if signal.member == "NameOwnerChanged", signal.interface == name { owners += signal.values }
            }
            let ask = BusCall(name, "/org/freedesktop/DBus", name, "NameHasOwner", [.string("org.k3s.test")])
            #expect(try await bus.call(ask).values == [.boolean(true)])
        }
    }

    @Test func `an error has its name and its words`() async throws {
        try await TestBus.with { path in
            var bus = try await SystemBus.join(at: path)
            let fault = await #expect(throws: Fault.self) {
                _ = try await bus.call(BusCall("org.k3s.nobody", "/", "org.k3s.nobody", "Speak"))
            }
            #expect(fault?.code == .notFound)
            #expect(fault?.summary.hasPrefix("org.freedesktop.DBus.Error.ServiceUnknown: ") == true)
        }
    }

    @Test func `whoever takes a call and does not answer is waited for as long as was said`() async throws {
        try await TestBus.with { path in
            let (own, name) = ("org.freedesktop.DBus", "org.k3s.mute")
            var mute = try await SystemBus.join(at: path)
            _ = try await mute.call(
                BusCall(own, "/org/freedesktop/DBus", own, "RequestName", [.string(name), .uint32(0)]))
            var bus = try await SystemBus.join(at: path, patience: .milliseconds(100))
            let begin = ContinuousClock.now
            let fault = await #expect(throws: Fault.self) { _ = try await bus.call(BusCall(name, "/", name, "Speak")) }
            #expect(fault?.code == .timedOut && .now - begin >= .milliseconds(100))
            // Its answer comes when nobody wants it any more, and is nobody else's.
            while let (message, _) = try await mute.nextMessage() {
                guard message.kind == .call else { continue }
                var reply = BusMessage(.reply, serial: 100)
                (reply.replySerial, reply.destination) = (message.serial, message.sender)
                reply.values = [.string("late")]
                try mute.send(reply.bytes)
                break
            }
            let ask = BusCall(own, "/org/freedesktop/DBus", own, "NameHasOwner", [.string(name)])
            #expect(try await bus.call(ask).values == [.boolean(true)])
        }
    }

    @Test func `a bus that takes connections and greets nobody is given up`() async throws {
        let path = "/tmp/k3s-bus-\(UInt32.random(in: 0...UInt32.max))"
        let socket = try TestSocket.bind(path)
        listen(socket, 8)
        defer {
            close(socket)
            try? Files.remove(path)
        }
        let fault = await #expect(throws: Fault.self) {
            _ = try await SystemBus.join(at: path, patience: .milliseconds(50))
        }
        #expect(fault?.code == .timedOut)
    }

    @Test func `a bus that ends is told, and one that is not there`() async throws {
        let bus = Mutex<SystemBus?>(nil)
        try await TestBus.with { path in
            let joined = try await SystemBus.join(at: path)
            bus.withLock { $0 = joined }
        }
        let kept = bus.withLock { $0 }
        var left = try #require(kept)
        let fault = await #expect(throws: Fault.self) { while try await left.nextSignal() != nil {} }
        #expect(fault?.code == .unavailable)
        await #expect(throws: Fault.self) { _ = try await SystemBus.join(at: "/nowhere/bus") }
    }

    @Test func `whoever is not waited for any more hears nothing`() async throws {
        try await TestBus.with { path in
            let joined = try await SystemBus.join(at: path)
            let task = Task { () async throws -> Bool in
                var bus = joined
                while try await bus.nextSignal() != nil {}
                return true
            }
            try await Task.sleep(for: .milliseconds(50))
            task.cancel()
            #expect(try await task.value)
        }
    }
}

extension TestBus {
    fileprivate static func with(_ body: (_ path: String) async throws -> Void) async throws {
        let folder = "/tmp/k3s-bus-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(folder) }
        try await with(in: folder, body)
    }
}
