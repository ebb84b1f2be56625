import Support

/// What goes wrong in a cluster, one random thing after the other.
struct Chaos: Sendable {
    let cluster: SimulatedCluster
    let dice: Dice
    /// The longest time between two faults.
    let longestCalm: Duration
    /// Told of each.
    let note: @Sendable (String) -> Void

    init(
        _ cluster: SimulatedCluster, longestCalm: Duration, _ note: @escaping @Sendable (String) -> Void
    ) {
        self.cluster = cluster
        self.longestCalm = longestCalm
        dice = cluster.world.dice("chaos")
        self.note = note
    }

    /// One fault after the other while `goesOn` is on. Everything runs again when this returns.
    func run(while goesOn: Switch) async throws(Fault) {
        while goesOn.isOn {
            await cluster.world.pause(dice.span(.zero ... longestCalm))
            if goesOn.isOn { try await fault() }
        }
        cluster.weather.become(.calm)
        for part in cluster.doubles { await part.kill() }
        for part in cluster.kubelets + cluster.controlPlane { part.start() }
    }

    private func fault() async throws(Fault) {
        switch dice.number(in: 0...19) {
        case 0...3: weather(.rough, "rough")
        case 4: weather(.storm, "a storm")
        case 5...6: weather(.calm, "calm")
        case 7...9: try await kill(dice.element(of: cluster.controlPlane), for: .seconds(30))
        case 10...11: await double()
        case 12...13: try await restartServer()
        case 14...16: try await kill(dice.element(of: cluster.kubelets), for: .seconds(60))
        case 17: try await kill(dice.element(of: cluster.kubelets), for: .seconds(500))
        default: await reboot()
        }
    }

    private func weather(_ chances: Weather.Chances, _ name: String) {
        note("the weather becomes \(name)")
        cluster.weather.become(chances)
    }

    private func kill(_ part: Part?, for longest: Duration) async throws(Fault) {
        guard let part else { return }
        let span = dice.span(.zero ... longest)
        note("\(part.name) is stopped for \(span.brief)")
        await part.kill()
        await cluster.world.pause(span)
        note("\(part.name) runs again")
        part.start()
    }

    private func double() async {
        guard let part = dice.element(of: cluster.doubles) else { return }
        note("\(part.name) runs beside the first")
        part.start()
        await cluster.world.pause(dice.span(.zero ... .seconds(20)))
        await part.kill()
    }

    private func restartServer() async throws(Fault) {
        let span = dice.span(.zero ... .seconds(20))
        note("the server is killed for \(span.brief)")
        try await cluster.restartServer(after: span)
        note("the server is back")
    }

    private func reboot() async {
        let index = dice.number(in: 0...(cluster.nodes.count - 1))
        let span = dice.span(.seconds(1) ... .seconds(120))
        note("\(cluster.nodes[index].name) is rebooted within \(span.brief)")
        await cluster.kubelets[index].kill()
        cluster.nodes[index].reboot()
        await cluster.world.pause(span)
        cluster.kubelets[index].start()
    }
}
