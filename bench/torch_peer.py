"""Training steps, products and convolutions by PyTorch; asked and answering as bench.h says."""
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

THREADS = int(sys.argv[1])
torch.set_num_threads(THREADS)
torch.set_num_interop_threads(1)
torch._dynamo.config.recompile_limit = 1000  # each case is compiled for its own shapes
torch.manual_seed(1)

SAMPLES, EPOCH = 1024, 60000
NETS = {
    "mnist-mlp": ((784,), 10, lambda: nn.Sequential(
        nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))),
    "lenet5": ((1, 28, 28), 10, lambda: nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))),
    "2-16-2": ((2,), 2, lambda: nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))),
    "64-64-10": ((64,), 10, lambda: nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))),
}


def measure(mode, work):
    """Samples of at least 4 ms for a tenth of a second; the medians."""
    work()
    wall, cpu, calls, begin = [], [], 1, time.perf_counter()
    while len(wall) < 3 or time.perf_counter() - begin < 0.1:
        w, c = time.perf_counter(), time.process_time()
        for _ in range(calls):
            work()
        w, c = time.perf_counter() - w, time.process_time() - c
        if not wall and c < 4e-3:
            calls *= 4 if c < 1e-3 else 2
            continue
        wall.append(w / calls)
        cpu.append(c / calls)
    return f"{mode} {sorted(wall)[len(wall) // 2]:.6g} {sorted(cpu)[len(cpu) // 2]:.6g}"


class Stepper:
    """A net with its optimiser; `run` is one step on batches that are tensors already."""

    def __init__(self, net, optimizer, batch, mode, samples=SAMPLES):
        shape, classes, build = NETS[net]
        self.model, self.at = build(), 0
        last = torch.channels_last if mode.endswith("last") else torch.contiguous_format
        if len(shape) == 3:
            self.model = self.model.to(memory_format=last)
        self.x = torch.rand(samples, *shape) * 2 - 1
        self.t = torch.arange(samples) * 7919 % classes
        self.batch = batch
        self.batches = [
            (x.contiguous(memory_format=last) if x.dim() == 4 else x.contiguous(), t)
            for x, t in zip(self.x.split(batch), self.t.split(batch))]
        how = {"foreach": True} if mode in ("eager", "compile_all") else {"fused": True}
        parameters = self.model.parameters()
        self.optimizer = (torch.optim.Adam(parameters, lr=1e-4, **how) if optimizer == "adam" else
                          torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, **how))
        model = self.model
        self.loss = lambda x, t: F.cross_entropy(model(x), t)
        self.update = self.optimizer.step
        if mode.startswith("compile"):
            self.loss = torch.compile(self.loss, dynamic=False, fullgraph=True)
        if mode == "compile_all":
            self.update = torch.compile(self.optimizer.step, dynamic=False)
        if mode.startswith("compile"):
            for _ in range(30):
                self.run()

    def step(self, x, t):
        self.optimizer.zero_grad()
        self.loss(x, t).backward()
        self.update()

    def run(self):
        self.step(*self.batches[self.at])
        self.at = (self.at + 1) % len(self.batches)

    def epoch(self):
        order = torch.randperm(len(self.x))
        for i in order[:len(order) // self.batch * self.batch].split(self.batch):
            self.step(self.x[i], self.t[i])


kept, broken = {}, set()


def stepper(net, optimizer, batch, mode, samples=SAMPLES):
    """The stepper of a case, or None when its mode does not work here."""
    key = net, optimizer, batch, mode, samples
    if key not in kept:
        try:
            kept[key] = Stepper(*key)
        except Exception as error:  # the compiler of torch may be missing, or fail
            kept[key] = None
            if mode not in broken:
                print(f"torch: {mode} does not work here: {str(error)[:300]}", file=sys.stderr)
            broken.add(mode)
    return kept[key]


def step(net, optimizer, batch):
    modes = ["eager", "fused", "compile", "compile_all"]
    if net == "lenet5":
        modes += ["channels_last", "compile_last"]
    made = [(m, stepper(net, optimizer, int(batch), m)) for m in modes]
    return [measure(m, s.run) for m, s in made if s]


def epoch(net, optimizer, batch):
    answers = []
    for mode in "fused", "compile":
        s = stepper(net, optimizer, int(batch), mode, EPOCH)
        if s:
            w, c = time.perf_counter(), time.process_time()
            s.epoch()
            answers.append(f"{mode} {time.perf_counter() - w:.6g} {time.process_time() - c:.6g}")
    return answers


@torch.no_grad()
def product(m, n, k, form):
    m, n, k = int(m), int(n), int(k)
    a = torch.rand(k, m).t() if form[0] == "t" else torch.rand(m, k)
    b = torch.rand(n, k).t() if form[1] == "t" else torch.rand(k, n)
    c = torch.empty(m, n)
    return [measure("mm", lambda: torch.mm(a, b, out=c))]


@torch.no_grad()
def conv(n, h, c, f, k, stride, pad, which):
    n, h, c, f, k, stride, pad = map(int, (n, h, c, f, k, stride, pad))
    answers = []
    for mode, last in ("nchw", torch.contiguous_format), ("channels_last", torch.channels_last):
        x = torch.rand(n, c, h, h).contiguous(memory_format=last)
        w = torch.rand(f, c, k, k).contiguous(memory_format=last)
        dy = torch.empty_like(F.conv2d(x, w, stride=stride, padding=pad)).uniform_()
        dy = dy.contiguous(memory_format=last)
        if which == "forward":
            answers.append(measure(mode, lambda: F.conv2d(x, w, stride=stride, padding=pad)))
            continue
        mask = [which == "input", which == "weights", False]
        answers.append(measure(mode, lambda: torch.ops.aten.convolution_backward(
            dy, x, w, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, mask)))
    return answers


def main():
    answers = {"step": step, "epoch": epoch, "product": product, "conv": conv}
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else a library prints is no answer
    for line in sys.stdin:
        name, *arguments = line.split()
        print(" ".join(answers[name](*arguments)) if name in answers else "-", file=out, flush=True)


main()
