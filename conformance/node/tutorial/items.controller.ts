import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Req, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';

@Controller('items')
export class ItemsController {
  @Get()
  async findAll(): Promise<string[]> {
    return ['Burger', 'Pizza', 'Tea'];
  }

  @UseGuards(AuthGuard('jwt'))
  @Post()
  async create(@Body('item') item: { name: string }, @Req() request: { user: unknown }): Promise<unknown> {
    return { item, user: request.user };
  }

  @UseGuards(AuthGuard('jwt'))
  @Put()
  async update(@Body('item') item: { name: string }): Promise<unknown> {
    return item;
  }

  @UseGuards(AuthGuard('jwt'))
  @Delete(':id')
  @HttpCode(204)
  async delete(@Param('id') _id: number): Promise<void> {}
}
