import Support
import Testing

@testable import Runtime

@Suite struct AbandonedLeasesTests {
    private let start = Timestamp(seconds: 1000, nanoseconds: 5)
    private let expiry = ["containerd.io/gc.expire": "2030-01-01T00:00:00Z"]

    private func lease(_ id: String, at moment: Timestamp, _ labels: [String: String]) -> LeaseRecord {
        var lease = LeaseRecord()
        lease.id = id
        lease.labels = labels
        lease.createdAt = LeaseRecord.Moment()
        lease.createdAt?.seconds = moment.seconds
        lease.createdAt?.nanoseconds = moment.nanoseconds
        return lease
    }

    @Test func `those go that another k3s made, however old they are`() {
        for labels in [[:], expiry] {
            for id in ["k3s-77", "k3s-7-7"] { #expect(AbandonedLeases.isAbandoned(lease(id, at: start, labels), start: start)) }
            let own = ContainerdImages.ownLeasePrefix + "7"
            #expect(!AbandonedLeases.isAbandoned(lease(own, at: Timestamp(seconds: 1), labels), start: start))
        }
    }

    @Test func `those go that containerd takes, and that are older than it`() {
        let before = Timestamp(seconds: 1000, nanoseconds: 4)
        for id in ["418034402-yVkD", "7-a_-9"] {
            #expect(AbandonedLeases.isAbandoned(lease(id, at: before, expiry), start: start), "\(id)")
            #expect(!AbandonedLeases.isAbandoned(lease(id, at: start, expiry), start: start), "\(id)")
            #expect(!AbandonedLeases.isAbandoned(lease(id, at: before, [:]), start: start), "\(id)")
        }
        for id in ["", "mine", "418034402", "-yVkD", "418034402-yVk", "418034402-yVkDx", "4180344020-yVkD", "41x-yVkD", "4-yV.D"] {
            #expect(!AbandonedLeases.isAbandoned(lease(id, at: before, expiry), start: start), "\(id)")
        }
        var timeless = lease("7-abcd", at: before, expiry)
        timeless.createdAt = nil
        #expect(!AbandonedLeases.isAbandoned(timeless, start: start))
        timeless.createdAt = LeaseRecord.Moment()
        timeless.createdAt?.nanoseconds = -1
        #expect(!AbandonedLeases.isAbandoned(timeless, start: start))
    }
}
