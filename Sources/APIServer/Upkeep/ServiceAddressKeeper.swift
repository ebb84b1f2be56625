import API
import APIMachinery
import Client
import Logging
import Support
import Synchronization

/// Keeps an IPAddress object for each address that a service has, and the ServiceCIDR `kubernetes`.
///
/// What the services say is the truth, and the objects follow: those that somebody removed come back, and those go that a
/// server left behind which was stopped between the two writes. Nothing is written where all is as it should be.
struct ServiceAddressKeeper: Sendable {
    let client: LocalClient
    let configured: ConfiguredServiceRange
    let services: any ObjectSet
    let addresses: any ObjectSet
    let ranges: any ObjectSet
    let clock: any Clock<Duration>
    let report: Logger

    private enum Subject: Hashable, Sendable {
        case address(Support.IPAddress)
        case configuredRange
    }

    /// Which service has an address, as the services were told.
    private final class Holders: Sendable {
        private let holders = Mutex<[Support.IPAddress: ObjectName]>([:])

        subscript(address: Support.IPAddress) -> ObjectName? { holders.withLock { $0[address] } }

        /// - Returns: The addresses that a service got or lost.
        func take(_ change: ObjectChange) -> Set<Support.IPAddress> {
            let (old, new) = (Self.addresses(change.old), Self.addresses(change.new))
            let name = change.name
            holders.withLock { holders in
                for address in old.subtracting(new) where holders[address] == name { holders[address] = nil }
                for address in new { holders[address] = name }
            }
            return old.symmetricDifference(new)
        }

        private static func addresses(_ service: StoredObject?) -> Set<Support.IPAddress> {
            Set(service.map { ServiceStrategy.addresses($0.value) } ?? [])
        }
    }

    /// Runs until the task is cancelled.
    func run() async {
        let queue = WorkQueue<Subject>(clock: clock)
        let holders = Holders()
        let observations = [
            services.observe { change in
                for address in holders.take(change) { queue.add(.address(address)) }
            },
            addresses.observe { change in
                if let address = Support.IPAddress(change.name.name) { queue.add(.address(address)) }
            },
            ranges.observe { change in
                if change.new == nil, change.name == ConfiguredServiceRange.name { queue.add(.configuredRange) }
            },
        ]
        defer { for observation in observations { observation.cancel() } }
        // It may have gone before anybody looked.
        queue.add(.configuredRange)
        await queue.run(workers: 1) { (subject: Subject, error: Status) in
            report.warning("\(Self.name(of: subject)) could not be written: \(error)")
        } _: { subject throws(Status) in
            switch subject {
            case .configuredRange: try await configured.ensure()
            case .address(let address): try await settle(ServiceAddress(address: address, owner: holders[address]))
            }
            return nil
        }
    }

    private static func name(of subject: Subject) -> String {
        switch subject {
        case .address(let address): "the IPAddress \(address)"
        case .configuredRange: "the ServiceCIDR \(ConfiguredServiceRange.name.name)"
        }
    }

    private func settle(_ address: ServiceAddress) async throws(Status) {
        let name = ObjectName(name: address.address.description)
        let present = addresses.get(API.IPAddress.self, name)
        let action = address.action(present)
        if action == .remove || action == .replace, let present {
            do throws(Status) {
                let options = DeletionOptions(preconditionUID: present.metadata.uid)
                try await client.delete(API.IPAddress.self, name, options)
            } catch {
                // What is gone already, or is another by now, told so: it is looked at again.
                guard error.isNotFound || error.isConflict else { throw error }
                return
            }
        }
        guard action == .create || action == .replace, let object = address.object else { return }
        do throws(Status) {
            try await client.create(object)
        } catch {
            guard error.isAlreadyExists else { throw error }
        }
    }
}
