"""Several processes that hold one model together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What each launcher calls the same number: torchrun, then Open MPI, which DJL Serving starts ranks with.
_RANK = ("RANK", "OMPI_COMM_WORLD_RANK")
_LOCAL = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK")
_SIZE = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE")


@dataclass(frozen=True)
class Ranks:
    """This process among its like.

    Args:
        rank: Its number.
        local: Its number on this machine, which is that of its GPU.
        size: How many there are.
    """

    rank: int
    local: int
    size: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Ranks:
        """Read what the launcher said; nothing means that there is one process."""
        return cls(_number(environment, _RANK, 0), _number(environment, _LOCAL, 0), _number(environment, _SIZE, 1))

    def join(self, seconds: float) -> Any:
        """Meet the others, and return the device of this rank; nobody is waited for longer than so many seconds."""
        import torch
        import torch.distributed as dist

        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(self.local)
        if self.size > 1 and not dist.is_initialized():
            self.tell(os.environ)
            dist.init_process_group("nccl" if cuda else "gloo", timeout=timedelta(seconds=seconds))
        return torch.device("cuda", self.local) if cuda else torch.device("cpu")

    def tell(self, environment: Any) -> None:
        """Write down for libraries, in torchrun's words, what another launcher said in its own."""
        said = {"RANK": self.rank, "LOCAL_RANK": self.local, "WORLD_SIZE": self.size, "LOCAL_SIZE": self.size}
        said["LOCAL_WORLD_SIZE"] = self.size
        for name, number in said.items():
            environment.setdefault(name, str(number))
        environment.setdefault("MASTER_ADDR", "127.0.0.1")
        environment.setdefault("MASTER_PORT", "29500")

    def agree(self, token: int, device: Any) -> int:
        """Return what rank 0 chose: equal logits are not promised to be equal in their last bit."""
        if self.size == 1:
            return token
        import torch
        import torch.distributed as dist

        chosen = torch.tensor([token], device=device)
        dist.broadcast(chosen, 0)
        return int(chosen.item())


def _number(environment: Mapping[str, str], names: tuple[str, ...], absent: int) -> int:
    return next((int(environment[name]) for name in names if name in environment), absent)
