import APIMachinery
import Client
import Synchronization

/// The webhooks of one kind, as their configurations are at this instant: read when a configuration has changed, at the
/// first request after it.
final class LiveWebhooks: Sendable {
    let kind: AdmissionWebhook.Kind
    private let configurations: any ObjectSet
    private let read = Mutex<(from: [StoredObject], webhooks: [AdmissionWebhook])>(([], []))

    init(_ kind: AdmissionWebhook.Kind, _ configurations: any ObjectSet) {
        self.kind = kind
        self.configurations = configurations
    }

    /// In the order in which they are asked.
    var present: [AdmissionWebhook] {
        let objects = configurations.list(namespace: nil)
        let known = read.withLock { $0.from.elementsEqual(objects, by: ===) ? $0.webhooks : nil }
        if let known { return known }
        let webhooks = AdmissionWebhook.all(in: objects.map(\.value), kind)
        read.withLock { $0 = (objects, webhooks) }
        return webhooks
    }
}
