"""What the Python programs here share: bench.h and nets.h for them."""
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


def conv_norm(channels, filters, kernel, stride):
    return nn.Sequential(
        nn.Conv2d(channels, filters, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(filters))


class Block(nn.Module):
    """Of a residual network. Where the shape changes, the shortcut is a 1x1 convolution ("project",
    option B of He et al. 2016), or every second pixel and zeros for the new channels (option A)."""

    def __init__(self, channels, filters, stride, project):
        super().__init__()
        self.a = conv_norm(channels, filters, 3, stride)
        self.b = conv_norm(filters, filters, 3, 1)
        self.stride, self.more, self.shortcut = stride, filters - channels, None
        if self.more and project:
            self.shortcut = conv_norm(channels, filters, 1, stride)

    def forward(self, x):
        y = self.b(F.relu(self.a(x)))
        if self.shortcut:
            x = self.shortcut(x)
        elif self.more:
            x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.more))
        return F.relu(y + x)


def residual(filters, stages, blocks, project):
    layers, channels = [conv_norm(3, filters, 3, 1), nn.ReLU()], filters
    for stage in range(stages):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            layers.append(Block(channels, filters << stage, stride, project))
            channels = filters << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def vgg():
    layers, channels = [], 3
    for filters in 64, 64, 0, 128, 128, 0, 256, 256, 256, 0:
        if filters:
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]
            channels = filters
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4096, 512), nn.ReLU(), nn.Linear(512, 10))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def mlp(*units):
    layers = []
    for inputs, outputs in zip(units, units[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


NETS = {  # the shape of a sample, the classes (1: a number is to be met), parameters, how to build
    "mnist-mlp": ((784,), 10, 266610, lambda: mlp(784, 300, 100, 10)),
    "lenet5": ((1, 28, 28), 10, 61706, lenet5),
    "resnet20": ((3, 32, 32), 10, 269722, lambda: residual(16, 3, 3, False)),
    "resnet18": ((3, 32, 32), 10, 11173962, lambda: residual(64, 4, 2, True)),
    "resnet18-64": ((3, 64, 64), 10, 11173962, lambda: residual(64, 4, 2, True)),
    "vgg": ((3, 32, 32), 10, 3838282, vgg),
    "2-16-1": ((2,), 1, 65, lambda: mlp(2, 16, 1)),
    "2-16-2": ((2,), 2, 82, lambda: mlp(2, 16, 2)),
    "64-64-10": ((64,), 10, 4810, lambda: mlp(64, 64, 10)),
    "784-30-10": ((784,), 10, 23860, lambda: mlp(784, 30, 10)),
}


def build(net):
    model = NETS[net][3]()
    count = sum(p.numel() for p in model.parameters())
    assert count == NETS[net][2], f"{net} has {count} parameters, not {NETS[net][2]}"
    return model


def measure(mode, work):
    """As bench_measure: samples of at least 4 ms for 60 ms; the medians."""
    work()
    wall, cpu, calls, begin, passed = [], [], 1, time.perf_counter(), 0
    while passed < 0.06 or (len(wall) < 3 and passed < 0.12):
        w, c = time.perf_counter(), time.process_time()
        for _ in range(calls):
            work()
        w, c = time.perf_counter() - w, time.process_time() - c
        if not wall and c < 4e-3:
            calls *= 4 if c < 1e-3 else 2
            continue
        wall.append(w / calls)
        cpu.append(c / calls)
        passed = time.perf_counter() - begin
    return mode, sorted(wall)[len(wall) // 2], sorted(cpu)[len(cpu) // 2]


THREADS = int(sys.argv[1])
hopeless = set()


def race(case, ways):
    """Measures each (mode, a function that makes the work): all the first time, later those that
    were not hopeless. A way that fails is told and left out."""
    answers = []
    for mode, make in ways:
        if (case, mode) in hopeless:
            continue
        try:
            answers.append(measure(mode, make()))
        except Exception as error:  # the compiler of torch may be missing, or fail
            print(f"{mode} does not work for {case}: {str(error)[:300]}", file=sys.stderr)
            hopeless.add((case, mode))
    clock, much = (2, 4 / 3) if THREADS == 1 else (1, 2)  # CPU time, as in summary.awk; wall time
    best = min((answer[clock] for answer in answers), default=0)
    hopeless.update((case, answer[0]) for answer in answers if answer[clock] > much * best)
    return answers


def serve(answers):
    """Answers each line by the function that its first word names."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else a library prints is no answer
    for line in sys.stdin:
        name, *arguments = line.split()
        words = answers[name](*arguments) if name in answers else []
        text = " ".join(f"{mode} {wall:.6g} {cpu:.6g}" for mode, wall, cpu in words)
        print(text or "-", file=out, flush=True)
