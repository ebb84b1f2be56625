import APIServer
import Datastore
import Logging
import PKI
public import Support

/// What every cluster begins with, made once and shared by all seeds.
public struct BootImage: Sendable {
    let entries: [Entry]
    /// The entries, taken in.
    let ledger: Ledger
    let keys: [PrivateKey]

    /// Lets a server make its first objects on an empty disk.
    public static func make() throws(Fault) -> BootImage {
        let keys = [try PrivateKey.generateP256()]
        let world = World(seed: 0)
        let result = try world.run {
            let disk = Disk()
            let server = SimulatedServer(world, disk, keys: keys, log: Logger(label: "boot") { _ in SwiftLogNoOpLogHandler() })
            do {
                try await server.start()
                server.kill()
                return Result<[Entry], any Error>.success(try await disk.entries())
            } catch {
                return .failure(error)
            }
        }
        do {
            let entries = try result.get()
            var ledger = Ledger(at: world.now())
            ledger.adopt(entries)
            return BootImage(entries: entries, ledger: ledger, keys: keys)
        } catch {
            throw Fault(.failed, "the first objects of the simulated clusters cannot be made", cause: error)
        }
    }
}
