import Runtime
import Support
import Synchronization

/// The storage drivers that are registered on this node.
final class CSIDrivers: Sendable {
    struct Driver: Sendable {
        var name: String
        /// The socket by which it registered.
        var socket: String
        var service: any CSINodeService
        var info: CSI.NodeInfo
    }

    private let drivers = Mutex<[String: Driver]>([:])

    /// `nil` while there is none of this name.
    subscript(name: String) -> Driver? { drivers.withLock { $0[name] } }

    var all: [Driver] { drivers.withLock { Array($0.values) }.sorted { $0.name < $1.name } }

    /// The driver of this name; fails with `notFound` in Kubernetes' words.
    func find(_ name: String) throws(Fault) -> any CSINodeService {
        guard let driver = self[name] else {
            throw Fault(.notFound, "driver name \(name) not found in the list of registered CSI drivers")
        }
        return driver.service
    }

    /// Takes the place of one of the same name, whose connection ends.
    func add(_ driver: Driver) {
        let old = drivers.withLock { $0.updateValue(driver, forKey: driver.name) }
        old?.service.close()
    }

    /// One of the same name that registered elsewhere since stays.
    func remove(_ name: String, socket: String) {
        let old = drivers.withLock { drivers -> Driver? in
            guard drivers[name]?.socket == socket else { return nil }
            return drivers.removeValue(forKey: name)
        }
        old?.service.close()
    }
}
