import API
import APIMachinery
import Client
import ClientTestSupport
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct OrphanSliceTests {
    @Test func `slices that an earlier service left behind go when there is one of its name again`() async throws {
        let api = MemoryAPI()
        var left = EndpointSlice(namespace: "default", name: "web-old")
        left.addressType = "IPv4"
        left.metadata.labels = [
            EndpointSliceDecision.serviceLabel: "web", EndpointSliceDecision.managerLabel: EndpointSliceDecision.manager,
        ]
        // Nobody's business: somebody made it by hand.
        var foreign = left
        foreign.metadata.name = "web-own"
        foreign.metadata.labels[EndpointSliceDecision.managerLabel] = "me"
        try await api.create(left)
        try await api.create(foreign)
        try await running([EndpointsController()], on: api) {
            var service = Service(namespace: "default", name: "web")
            service.spec = ServiceSpec(["selector": ["app": "web"], "ports": [["port": 80]]])
            try await api.create(service)
            await api.wait { $0.peek(EndpointSlice.self, "web-old", in: "default") == nil }
            await api.wait { $0.peek(Endpoints.self, "web", in: "default") != nil }
        }
        let names = api.peek(all: EndpointSlice.self).map(\.metadata.name)
        #expect(names.count == 2 && names.contains("web-own"), "\(names)")
    }
}
