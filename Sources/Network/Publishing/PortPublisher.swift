import API
import APIMachinery
public import Client
public import Host
public import Logging
public import Support
import Wire

/// Makes the services of a node that has a network of its own, inside a user's namespaces, reachable on the
/// host.
///
/// The process outside makes the sockets (``Host/HostSockets``); here their connections are accepted and led
/// on to the node's address, where the rules for services know what to do with them. Nothing runs while
/// nobody connects.
public final class PortPublisher: Sendable {
    private let client: any Client
    private let connection: Descriptor
    private let host: Support.IPAddress
    private let node: Support.IPAddress
    private let log: Logger

    /// - Parameters:
    ///   - connection: To who makes sockets of the host.
    ///   - host: Where the host is listened on, usually at all its addresses.
    ///   - node: The address of the node in its own network.
    public init(
        client: any Client, connection: Descriptor, host: Support.IPAddress, node: Support.IPAddress,
        log: Logger
    ) {
        self.client = client
        self.connection = connection
        self.host = host
        self.node = node
        self.log = log
    }

    /// Runs until the task is cancelled.
    public func run() async throws(Fault) {
        let services: any ObjectSet
        do throws(Status) { services = try await client.observe(Service.self) } catch {
            throw Fault(.unavailable, "services cannot be observed", cause: error)
        }
        let inbox = ChangeInbox<ObjectName>()
        let observation = services.observe { inbox.add($0.name) }
        defer { observation.cancel() }
        for service in services.list(namespace: nil) { inbox.add(service.objectName) }
        await withDiscardingTaskGroup { group in
            var wanted = WantedPorts()
            var sockets: [PublishedPort: Descriptor] = [:]
            while let changed = await inbox.next() {
                for name in changed {
                    wanted.set(services.get(Service.self, name).map(PublishedPort.all) ?? [], of: name)
                }
                let all = wanted.all
                for (port, socket) in sockets where !all.contains(port) {
                    socket.stopListening()
                    sockets[port] = nil
                    log.info("port \(port.port) of the host leads nowhere any more")
                }
                for port in all.sorted(by: { $0.port < $1.port }) where sockets[port] == nil {
                    guard let socket = await take(port) else { continue }
                    sockets[port] = socket
                    group.addTask { await self.serve(socket, port) }
                }
            }
            group.cancelAll()
        }
    }

    /// One that cannot be had is asked for again when services change.
    private func take(_ port: PublishedPort) async -> Descriptor? {
        guard port.transport == .tcp else {
            log.debug("port \(port.port) of the host is not published: only connections of TCP are led on")
            return nil
        }
        do throws(Fault) {
            let socket = try await HostSockets.borrow(
                LentPort(port.transport, host, port.port), over: connection)
            log.info("port \(port.port) of the host leads to port \(port.target) of the node")
            return socket
        } catch {
            if !Task.isCancelled {
                log.warning("port \(port.port) of the host is not published: \(error.summary)")
            }
            return nil
        }
    }

    private func serve(_ socket: Descriptor, _ port: PublishedPort) async {
        await withDiscardingTaskGroup { group in
            do throws(Fault) {
                while let number = try await socket.accept() {
                    group.addTask { await self.lead(number, to: port.target) }
                }
            } catch {
                log.warning("port \(port.port) of the host is not published any more: \(error)")
            }
            // Connections that run are not touched, unless the task is cancelled.
        }
    }

    private func lead(_ number: Int32, to port: UInt16) async {
        do {
            let outer = try await StreamDialer.adopt(socket: number)
            do {
                let inner = try await StreamDialer.dial(.tcp(host: "\(node)", port: Int(port)))
                await outer.join(inner)
            } catch {
                await outer.close()
            }
        } catch {
            log.debug("a connection from the host was lost: \(error)")
        }
    }
}

/// Which ports are wanted, and by which services.
struct WantedPorts {
    private var ports: [ObjectName: Set<PublishedPort>] = [:]

    mutating func set(_ wanted: Set<PublishedPort>, of service: ObjectName) {
        ports[service] = wanted.isEmpty ? nil : wanted
    }

    /// One for each port of the host: of two services that want the same, the first by name has it.
    var all: Set<PublishedPort> {
        struct Place: Hashable {
            let transport: LentPort.Transport
            let port: UInt16
        }
        var taken: [Place: PublishedPort] = [:]
        for (_, wanted) in ports.sorted(by: { $0.key < $1.key }) {
            for port in wanted.sorted(by: { $0.target < $1.target }) {
                let place = Place(transport: port.transport, port: port.port)
                if taken[place] == nil { taken[place] = port }
            }
        }
        return Set(taken.values)
    }
}
